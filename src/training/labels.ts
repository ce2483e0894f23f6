import { type ContentErrorCode, contentError, type Finding } from '../manifest/codes.ts';
import type { UseCase } from '../manifest/summary.ts';
import type { ManifestSet, SetLine } from './manifest-set.ts';

export type ChosenUseCase = Exclude<UseCase, 'NOT_DETERMINED'>;

/** Labels that a set needs and may have. */
const MINIMUM_LABELS: Record<ChosenUseCase, number> = { IMAGE_LEVEL_LABELS: 2, OBJECT_LOCALIZATION: 1 };
const MAXIMUM_LABELS = 250;
/** Share of the training labels that the test set must have. */
const MINIMUM_OVERLAP = 0.5;

/** The valid lines that a model of this kind uses. */
export function usableLines(lines: readonly SetLine[], useCase: ChosenUseCase): SetLine[] {
  return lines.filter((line) => line.state === 'valid' && usableLabels(line, useCase).length > 0);
}

/** The labels of a line that a model of this kind learns. */
export function usableLabels(line: SetLine, useCase: ChosenUseCase): string[] {
  return useCase === 'IMAGE_LEVEL_LABELS' ? line.labels : line.boxLabels;
}

/**
 * What kind of model the lines ask for. Boxes in training, and in the test set if there is one, make an
 * object-location model. So does a training set with image-level labels alone whose test set has boxes alone: the
 * logo case.
 */
export function chooseUseCase(training: ManifestSet, testing: ManifestSet | undefined): ChosenUseCase {
  const has = (set: ManifestSet, useCase: ChosenUseCase) => usableLines(set.lines, useCase).length > 0;
  const boxesInTraining = has(training, 'OBJECT_LOCALIZATION');
  if (!testing) return boxesInTraining ? 'OBJECT_LOCALIZATION' : 'IMAGE_LEVEL_LABELS';
  const logos = !has(testing, 'IMAGE_LEVEL_LABELS');
  const boxes = has(testing, 'OBJECT_LOCALIZATION') && (boxesInTraining || logos);
  return boxes ? 'OBJECT_LOCALIZATION' : 'IMAGE_LEVEL_LABELS';
}

/** Distinct labels of the lines that this kind of model uses, sorted. */
export function labelSet(lines: readonly SetLine[], useCase: ChosenUseCase): string[] {
  const labels = new Set(usableLines(lines, useCase).flatMap((line) => usableLabels(line, useCase)));
  return [...labels].sort();
}

/** Distinct labels of both kinds. */
function allLabels(lines: readonly SetLine[]): string[] {
  const valid = lines.filter((line) => line.state === 'valid');
  return [...new Set(valid.flatMap((line) => [...line.labels, ...line.boxLabels]))];
}

/** True when the lines have at least the fewest labels that a model of this kind needs. */
export function hasEnoughLabels(lines: readonly SetLine[], useCase: ChosenUseCase): boolean {
  return labelSet(lines, useCase).length >= MINIMUM_LABELS[useCase];
}

/** Adds the errors about the number of labels to the set. */
export function checkLabelCounts(set: ManifestSet, useCase: ChosenUseCase): void {
  const count = allLabels(set.lines).length;
  const add = (code: ContentErrorCode) => set.errors.push(contentError(code));
  if (count < MINIMUM_LABELS[useCase]) add('ERROR_MANIFEST_TOO_FEW_LABELS');
  else if (!hasEnoughLabels(set.lines, useCase)) add('ERROR_MANIFEST_TOO_FEW_USABLE_LABELS');
  if (count > MAXIMUM_LABELS) add('ERROR_MANIFEST_TOO_MANY_LABELS');
}

/** The error about too few common labels of the two sets, if there is one. */
export function checkOverlap(training: SetLine[], testing: SetLine[], useCase: ChosenUseCase): Finding[] {
  if (overlap(allLabels(training), allLabels(testing)) < MINIMUM_OVERLAP) {
    return [contentError('ERROR_INSUFFICIENT_LABEL_OVERLAP')];
  }
  if (overlap(labelSet(training, useCase), labelSet(testing, useCase)) < MINIMUM_OVERLAP) {
    return [contentError('ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP')];
  }
  return [];
}

/** Share of the training labels that the test set has; 1 when there are none, which is another error. */
export function overlap(training: string[], testing: string[]): number {
  const inTest = new Set(testing);
  if (training.length === 0) return 1;
  return training.filter((label) => inTest.has(label)).length / training.length;
}
