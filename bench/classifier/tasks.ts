import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { permutation, random } from '../../src/vision/random.ts';

/** Folder of the image sets, each with `images/`, `train.manifest` and `test.manifest`. */
export const DATA = process.env.OCELLUS_TEST_DATA ?? join(import.meta.dirname, '../../../shared/data');

/** The sets that are trained whole. */
export const SETS = [
  'clothing',
  'flowers',
  'trash-sorting',
  'steel-surface-cls',
  'ants-bees',
  'plant-disease',
  'road-damage',
];
/** Few-shot tasks: so many training images per class, another draw for each seed. */
const FEW = 10;
export const FEW_SHOT = ['flowers', 'clothing', 'plant-disease'].map((set) => `${set}:${FEW}`);

export interface Picture {
  file: string;
  /** Indices into the task's labels. */
  labels: number[];
  /** The picture's line of the manifest. */
  line: string;
}

/** What every contender is given. */
export interface Task {
  /** `flowers`, or `flowers:10` for ten images per class. */
  name: string;
  set: string;
  labels: string[];
  /** Exactly one label per image. */
  exclusive: boolean;
  training: Picture[];
  testing: Picture[];
}

/** Reads a task by its name. Few-shot ones draw their images by the seed. Throws when there is no such set. */
export function loadTask(name: string, seed: number): Task {
  const [set = '', few] = name.split(':');
  const read = (split: string) =>
    readFileSync(join(DATA, set, `${split}.manifest`), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  const lines = read('train');
  const labels = [...new Set(lines.flatMap(classNames))].sort();
  const toPicture = (line: string): Picture => ({
    file: join(dirname(join(DATA, set)), JSON.parse(line)['source-ref'].replace('s3://', '')),
    labels: classNames(line).map((label) => labels.indexOf(label)),
    line,
  });
  const all = lines.map(toPicture);
  return {
    name,
    set,
    labels,
    exclusive: all.every((picture) => picture.labels.length === 1),
    training: few === undefined ? all : draw(all, labels.length, Number(few), seed),
    testing: read('test').map(toPicture),
  };
}

/** The labels of a manifest line: the classes of its image-level attributes. */
function classNames(line: string): string[] {
  return Object.entries(JSON.parse(line) as Record<string, { 'class-name'?: string }>)
    .filter(([key]) => key.endsWith('-metadata'))
    .flatMap(([, metadata]) => metadata['class-name'] ?? []);
}

function draw(all: Picture[], labelCount: number, perLabel: number, seed: number): Picture[] {
  const shuffled = Array.from(permutation(all.length, random(seed)), (i) => all[i]!);
  return Array.from({ length: labelCount }, (_, label) =>
    shuffled.filter(({ labels }) => labels[0] === label).slice(0, perLabel),
  ).flat();
}
