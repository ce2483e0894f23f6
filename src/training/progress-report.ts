import type { ProjectVersion } from '../store/versions.ts';
import type { ProgressHistory, ProgressPoint } from './progress.ts';
import { secondsLeft } from './time-left.ts';

/** How far a training is. `docs/progress.md` describes it for users. */
export interface ProgressReport {
  projectVersionArn: string;
  status: string;
  statusMessage: string;
  /** Above 1 after interruptions; 0 before the training began. */
  attempt: number;
  /** When this attempt began, epoch milliseconds. */
  startedAt?: number;
  stage?: string;
  /** Of the whole training, 0–1. */
  fraction: number;
  imagesPerSecond?: number;
  loss?: number;
  validationLoss?: number;
  /** Expected calibration error of the model, 0–1. */
  calibrationError?: number;
  /** Absent when it isn't known, and when the training has ended. */
  secondsLeft?: number;
  notes: string[];
  curve: ProgressPoint[];
}

/** What is known now, with the points of the curve that are later than `since`. Times are epoch milliseconds. */
export function progressReport(
  { arn, status, statusMessage }: Pick<ProjectVersion, 'arn' | 'status' | 'statusMessage'>,
  history: ProgressHistory,
  now: number,
  since = 0,
): ProgressReport {
  const { attempts: attempt, startedAt, notes, points } = history;
  const isTraining = status === 'TRAINING_IN_PROGRESS';
  const left = isTraining ? timeLeft(history, now) : undefined;
  return {
    projectVersionArn: arn,
    status,
    statusMessage: isTraining ? trainingMessage(statusMessage, history, now) : statusMessage,
    attempt,
    ...(startedAt !== undefined && { startedAt }),
    ...latest(history, isTraining),
    ...(left !== undefined && { secondsLeft: Math.round(left) }),
    notes: [...notes],
    curve: points.filter(({ time }) => time > since),
  };
}

function timeLeft(history: ProgressHistory, now: number): number | undefined {
  return secondsLeft(history.current, history.startedAt ?? now, now);
}

/** Where the current attempt is, with the latest values of its stage. */
function latest(history: ProgressHistory, isTraining: boolean) {
  const points = history.current;
  const last = points.at(-1);
  if (!last) return { fraction: 0, ...(isTraining && { stage: 'starting' }) };
  const { stage, fraction } = last;
  const inStage = points.filter((point) => point.stage === stage);
  const value = (key: 'imagesPerSecond' | 'loss') =>
    inStage.findLast((point) => point[key] !== undefined)?.[key];
  const values = {
    imagesPerSecond: isTraining ? value('imagesPerSecond') : undefined,
    loss: value('loss'),
    validationLoss: points.findLast((point) => point.validationLoss !== undefined)?.validationLoss,
    calibrationError: points.findLast((point) => point.calibrationError !== undefined)?.calibrationError,
  };
  const known = Object.entries(values).filter(([, each]) => each !== undefined);
  return { stage, fraction, ...(Object.fromEntries(known) as Partial<typeof values>) };
}

/** The status' own message first: software may look at how it begins. `(fine-tuning, 43 %, about 2 min left)` */
export function trainingMessage(message: string, history: ProgressHistory, now: number): string {
  const { stage, fraction } = latest(history, true);
  const left = timeLeft(history, now);
  const parts = [
    ...(history.attempts > 1 ? [`attempt ${history.attempts}`] : []),
    stage,
    `${Math.floor(100 * fraction)} %`,
    ...(left === undefined ? [] : [`${describeDuration(left)} left`]),
  ];
  return `${message} (${parts.join(', ')})`;
}

/** `about 40 s`, `about 2 min`, `about 3 h`: never finer than an estimate is. */
export function describeDuration(seconds: number): string {
  if (seconds < 10) return 'a few seconds';
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10} s`;
  if (seconds < 90 * 60) return `about ${Math.round(seconds / 60)} min`;
  return `about ${Math.round(seconds / 3600)} h`;
}
