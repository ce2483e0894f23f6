import { CONTENT_ERRORS, contentError, type Finding } from '../manifest/codes.ts';
import { type ManifestSummary, setStatistics, type UseCase } from '../manifest/summary.ts';
import type { ObjectStore } from '../objects/objects.ts';
import {
  type ChosenUseCase,
  checkLabelCounts,
  checkOverlap,
  chooseUseCase,
  hasEnoughLabels,
  labelSet,
  overlap,
  usableLabels,
  usableLines,
} from './labels.ts';
import type { ManifestSet, SetLine } from './manifest-set.ts';
import { chooseTestImages } from './split.ts';

/** Share of invalid lines above which a manifest is refused. */
const MAXIMUM_INVALID = 0.2;

/** The two sets of a training, and what is wrong with them. */
export interface TrainingData {
  useCase: UseCase;
  training: ManifestSet;
  testing: ManifestSet;
  /** Terminal content errors that concern both sets. */
  errors: Finding[];
}

/** Adds the errors about the images' buckets to the set; false when the images can't be opened. */
export async function checkBuckets(
  set: ManifestSet,
  objects: Pick<ObjectStore, 'hasBucket'>,
): Promise<boolean> {
  const buckets = new Set(set.lines.flatMap((line) => line.image?.bucket ?? []));
  if (buckets.size > 1) set.errors.push(contentError('ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS'));
  for (const bucket of buckets) {
    if (await objects.hasBucket(bucket)) continue;
    set.errors.push(contentError('ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET'));
    return false;
  }
  return true;
}

/** The 20 % rule, on the manifest as it was given. */
export function checkInvalidShare(set: ManifestSet): void {
  const invalid = set.lines.filter((line) => line.state === 'invalid').length;
  if (invalid > MAXIMUM_INVALID * set.lines.length) {
    set.errors.push(contentError('ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST'));
  }
}

/**
 * Chooses the use case, makes a test set where none is given, and checks the labels of both. Where the images of a detector's
 * training set have labels and no boxes, each label becomes that of a box around the whole image.
 */
export function arrange(training: ManifestSet, given: ManifestSet | undefined, seed: number): TrainingData {
  const useCase = chooseUseCase(training, given);
  if (useCase === 'OBJECT_LOCALIZATION' && usableLines(training.lines, useCase).length === 0) {
    for (const line of training.lines) takeWholeImage(line);
  }
  const sets = given ? { training, testing: given } : split(training, useCase, seed);
  checkLabelCounts(sets.training, useCase);
  const isSplit = sets.testing.lines.length > 0;
  if (!isSplit) return { useCase, ...sets, errors: [] };
  checkLabelCounts(sets.testing, useCase);
  return { useCase, ...sets, errors: checkOverlap(sets.training.lines, sets.testing.lines, useCase) };
}

function takeWholeImage(line: SetLine): void {
  if (line.state !== 'valid') return;
  line.boxLabels = line.labels;
  line.wholeImage = true;
}

/** Moves about a fifth of the usable lines into a test set; none, and an error, when too few labels could be tested. */
function split(
  set: ManifestSet,
  useCase: ChosenUseCase,
  seed: number,
): Pick<TrainingData, 'training' | 'testing'> {
  const none = { training: set, testing: emptySet(set) };
  if (!hasEnoughLabels(set.lines, useCase)) return none;
  const lines = usableLines(set.lines, useCase);
  const chosen = new Set(
    chooseTestImages(
      lines.map((line) => usableLabels(line, useCase)),
      seed,
    ).map((index) => lines[index]!),
  );
  const training = { ...set, lines: set.lines.filter((line) => !chosen.has(line)) };
  const testing = { ...emptySet(set), lines: set.lines.filter((line) => chosen.has(line)) };
  const common = overlap(labelSet(training.lines, useCase), labelSet(testing.lines, useCase));
  if (hasEnoughLabels(testing.lines, useCase) && common >= 0.5) return { training, testing };
  set.errors.push(contentError('ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT'));
  return none;
}

export function emptySet({ file }: ManifestSet): ManifestSet {
  return { file, lines: [], errors: [] };
}

const ORDER = Object.keys(CONTENT_ERRORS);

/** All terminal content errors of the data in their order of precedence. */
export function contentErrors({ training, testing, errors }: TrainingData): Finding[] {
  return inOrder([...training.errors, ...testing.errors, ...errors]);
}

function inOrder(errors: Finding[]): Finding[] {
  return errors.toSorted((a, b) => ORDER.indexOf(a.code) - ORDER.indexOf(b.code));
}

export function manifestSummary({ useCase, training, testing, errors }: TrainingData): ManifestSummary {
  return {
    errors: inOrder(errors),
    statistics: {
      training: setStatistics(training.lines, useCase, inOrder(training.errors)),
      testing: setStatistics(testing.lines, useCase, inOrder(testing.errors)),
    },
  };
}

/** What users should know of how the lines are used, in sentences. */
export function remarks({ useCase, training, testing }: TrainingData): string[] {
  const notes: string[] = [];
  if (useCase === 'NOT_DETERMINED') return notes;
  const [learned, other] =
    useCase === 'OBJECT_LOCALIZATION'
      ? ['boxes', 'labels of whole images']
      : ['labels of whole images', 'boxes'];
  const aside = usedForNothing(training, useCase) + usedForNothing(testing, useCase);
  if (aside > 0)
    notes.push(`Images with only ${other} (${aside}) are left out: the model learns ${learned}.`);
  if (training.lines.some(({ wholeImage }) => wholeImage)) {
    notes.push(
      'The training images have no boxes: each is taken for a picture of its object from edge to edge.',
    );
  }
  return notes;
}

function usedForNothing({ lines }: ManifestSet, useCase: ChosenUseCase): number {
  const valid = lines.filter(({ state }) => state === 'valid');
  const isNegative = (line: SetLine) => useCase === 'OBJECT_LOCALIZATION' && line.withoutObjects;
  return valid.filter((line) => usableLabels(line, useCase).length === 0 && !isNegative(line)).length;
}
