import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toFinding } from '../manifest/annotate.ts';
import { type Finding, ManifestError } from '../manifest/codes.ts';
import { parseLine } from '../manifest/line.ts';
import type { Place as PlaceInLine } from '../manifest/parsed.ts';
import { readLines } from '../manifest/reader.ts';
import type { ManifestSummary, SetStatistics } from '../manifest/summary.ts';
import { type ObjectStore, objectUrl } from '../objects/objects.ts';
import { openObjects } from '../objects/open.ts';
import {
  arrange,
  checkBuckets,
  checkInvalidShare,
  contentErrors,
  manifestSummary,
  remarks,
} from '../training/data.ts';
import { checkImages } from '../training/images.ts';
import { type ManifestSet, readManifest } from '../training/manifest-set.ts';
import { ADVICE } from './advice.ts';
import { type Place, parsePlace } from './buckets.ts';
import { CliError, defineCommand } from './command.ts';
import { connectBuckets } from './connection.ts';
import { count } from './table.ts';

const help = `Usage: ocellus dataset check MANIFEST [--test MANIFEST] [--no-images] [--json]

Checks a manifest (a file, or s3://BUCKET/KEY) as a training does: every line, every image, labels, the test set that
would be split off. Says what is wrong in which line, and what to do about it.

Options:
  --test MANIFEST   the manifest of the test images; without it, a fifth is split off
  --no-images       don't open the images
  --json            one JSON object: {"errors": …, "problems": [{"set", "line", "code", "message", …}],
                    "remarks": […], "statistics": …}

Exit status 0 when a training would go on with these data, 1 when it would fail.
Example: ocellus dataset check s3://photos/all.manifest`;

const options = {
  test: { type: 'string' },
  'no-images': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** Only decides which images are split off, and so whether enough labels have some. The server's own default. */
const SEED = 0;

export const checkDataset = defineCommand(
  { help, options, operands: { minimum: 1, maximum: 1 } },
  async ([manifest = ''], { test, json, 'no-images': unopened = false }) => {
    const places = [manifest, ...(test ? [test] : [])].map(parsePlace);
    for (const place of places) {
      if ('file' in place && !existsSync(place.file)) throw new CliError(`There is no file ${place.file}.`);
    }
    const scratch = await mkdtemp(join(tmpdir(), 'ocellus-check-'));
    try {
      const report = await check(places, scratch, unopened);
      console.log(json ? JSON.stringify(report) : describe(report));
      return report.errors.length > 0 ? 1 : 0;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
);

/** One thing that is wrong with one line. */
interface LineProblem extends Finding {
  set: 'training' | 'testing';
  /** From 1. */
  line: number;
  /** What in the line it is about, in words; nothing for the whole line. */
  where: string;
  /** `s3://…` of the image, where the line says it. */
  image?: string;
}

interface Report {
  /** Each of them makes a training fail. */
  errors: Finding[];
  problems: LineProblem[];
  /** What else is good to know. */
  remarks: string[];
  statistics?: ManifestSummary['statistics'];
  imagesOpened: boolean;
}

async function check(places: Place[], scratch: string, unopened: boolean): Promise<Report> {
  const settings = await connectBuckets(process.env);
  if (!settings && places.some((place) => !('file' in place))) {
    throw new CliError(
      'No buckets are known here: call from the folder of the server, or check a local file.',
    );
  }
  // Without buckets only local files are read, and an empty store does for that.
  const objects = openObjects(settings ?? { folder: join(scratch, 'nothing') });
  const imagesOpened = settings !== undefined && !unopened;
  try {
    const sets: ManifestSet[] = [];
    for (const [index, place] of places.entries()) {
      sets.push(await readManifest(objects, place, join(scratch, `${index}.manifest`)));
    }
    for (const set of sets) await checkSet(set, objects, settings !== undefined, imagesOpened);
    const problems = await Promise.all(
      sets.map((set, index) => problemsOf(set, index ? 'testing' : 'training')),
    );
    const data = arrange(sets[0]!, sets[1], SEED);
    const { statistics } = manifestSummary(data);
    const errors = contentErrors(data);
    return { errors, problems: problems.flat(), remarks: remarks(data), statistics, imagesOpened };
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return {
      errors: [{ code: error.code, message: error.message }],
      problems: [],
      remarks: [],
      imagesOpened: false,
    };
  } finally {
    objects.close();
  }
}

/** In the order of a training. */
async function checkSet(set: ManifestSet, objects: ObjectStore, hasBuckets: boolean, opens: boolean) {
  const readable = await checkBuckets(set, hasBuckets ? objects : { hasBucket: async () => true });
  if (readable && opens) await checkImages(set, objects, () => {});
  checkInvalidShare(set);
}

async function problemsOf(set: ManifestSet, name: LineProblem['set']): Promise<LineProblem[]> {
  const found: LineProblem[] = [];
  for await (const { number, text } of readLines(createReadStream(set.file))) {
    const { imageProblem } = set.lines[number - 1]!;
    const { problems, image } = parseLine(text);
    for (const problem of imageProblem ? [...problems, imageProblem] : problems) {
      const about = image && { image: objectUrl(image) };
      found.push({
        set: name,
        line: number,
        ...toFinding(problem),
        where: describePlace(problem.place),
        ...about,
      });
    }
  }
  return found;
}

function describePlace(place: PlaceInLine): string {
  switch (place.at) {
    case 'line':
      return '';
    case 'attribute':
      return `"${place.attribute}"`;
    case 'metadata':
      return `"${place.attribute}-metadata"`;
    case 'annotation':
      return `box ${place.index + 1} of "${place.attribute}"`;
  }
}

const SHOWN = 10;

function describe({ errors, problems, remarks, statistics, imagesOpened }: Report): string {
  const byCode = Map.groupBy(problems, ({ code }) => code);
  const parts = [...byCode.values()].map(describeProblems);
  if (statistics) parts.push([describeStatistics(statistics, imagesOpened), ...remarks].join('\n'));
  if (errors.length > 0) {
    const list = errors.map((error) => `${heading(error)}\n${advice(error)}`);
    parts.push(`A training would fail:\n\n${list.join('\n\n')}`);
  } else {
    parts.push('A training would go on with these data.');
  }
  return parts.join('\n\n');
}

const heading = ({ code, message }: Finding) => `${code}: ${message}`;
const advice = ({ code }: Finding) => `  What to do: ${ADVICE[code]}`;

/** All lines of one code; the advice is the same. */
function describeProblems(problems: LineProblem[]): string {
  const [first] = problems;
  const shown = problems.slice(0, SHOWN).map(({ set, line, where, image }) => {
    const place = `${set === 'testing' ? 'test manifest, ' : ''}line ${line}`;
    return `  ${[place, where, image].filter(Boolean).join(', ')}`;
  });
  const more = problems.length - SHOWN;
  if (more > 0) shown.push(`  … and ${more} more (--json lists all)`);
  return [heading(first!), ...shown, advice(first!)].join('\n');
}

function describeStatistics({ training, testing }: ManifestSummary['statistics'], opened: boolean): string {
  const kind = {
    IMAGE_LEVEL_LABELS: 'image-level labels',
    OBJECT_LOCALIZATION: 'boxes',
    NOT_DETERMINED: 'not determined',
  }[training.use_case];
  const line = (name: string, set: SetStatistics) =>
    `${name}: ${count(set.total_json_lines, 'line')}, of these ${set.valid_json_lines} valid, ` +
    `${set.invalid_json_lines} invalid, ${set.ignored_json_lines} ignored`;
  return [
    `Kind of model: ${kind}`,
    line('Training', training),
    line('Test', testing),
    ...(opened ? [] : ['The images were not opened.']),
  ].join('\n');
}
