import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DetectorSample } from '../../src/vision/detector.ts';
import { DATA } from '../classifier/tasks.ts';

export const SETS = ['blood-cells', 'pcb-defects', 'raccoon'];

/** The parts of a manifest line that are needed: one attribute with boxes, and its metadata. */
interface Boxes {
  annotations: { class_id: number; left: number; top: number; width: number; height: number }[];
  image_size: [{ width: number; height: number }];
}

/** A set with boxes, labels in alphabetical order. */
export function loadBoxes(set: string): {
  labels: string[];
  training: DetectorSample[];
  testing: DetectorSample[];
} {
  const read = (split: string) =>
    readFileSync(join(DATA, set, `${split}.manifest`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(readLine);
  const [training, testing] = [read('train'), read('test')];
  const labels = [...new Set(training.flatMap(({ boxes }) => boxes.map(({ name }) => name)))].sort();
  const toSample = ({ file, boxes }: ReturnType<typeof readLine>): DetectorSample => ({
    id: file,
    boxes: boxes.map(({ name, ...box }) => ({ ...box, label: labels.indexOf(name) })),
    load: () => readFile(file),
  });
  return { labels, training: training.map(toSample), testing: testing.map(toSample) };
}

function readLine(line: string) {
  const entry = JSON.parse(line);
  const key = Object.keys(entry).find((name) => Array.isArray(entry[name].annotations))!;
  const { annotations, image_size } = entry[key] as Boxes;
  const [{ width, height }] = image_size;
  const names: Record<string, string> = entry[`${key}-metadata`]['class-map'];
  const boxes = annotations.map((box) => ({
    name: names[box.class_id]!,
    left: box.left / width,
    top: box.top / height,
    width: box.width / width,
    height: box.height / height,
  }));
  return { file: join(DATA, entry['source-ref'].replace('s3://', '')), boxes };
}
