// One training in a process of its own, started by the supervisor: the API stays quick meanwhile, and a crash of
// native code ends this process only.
import { appendFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { type ObjectSettings, openObjects } from '../objects/open.ts';
import type { TrainingProgress } from '../vision/classifier.ts';
import { runTrainingJob } from './job.ts';
import type { TrainingJob } from './outcome.ts';
import { writeOutcome } from './outcome-file.ts';
import { type ProgressLine, progressFile, progressText } from './progress.ts';

/** What the supervisor sends first and only. */
export interface TrainingOrder {
  job: TrainingJob;
  /** Where the buckets are. */
  objects: ObjectSettings;
}

const REPORT_EVERY_MS = 500;
/** Requests come before trainings when both want the processor. */
const PRIORITY = 10;

/** Passes on the first report of each stage, the last one, one every half second, and all that say something special. */
function createReporter(folder: string): (progress: TrainingProgress) => void {
  let last = { stage: '', at: 0 };
  return (progress) => {
    const now = Date.now();
    const { note, validationLoss, calibrationError } = progress;
    const special = [note, validationLoss, calibrationError].some((each) => each !== undefined);
    const turning = progress.stage !== last.stage || progress.fraction >= 1;
    if (!special && !turning && now - last.at < REPORT_EVERY_MS) return;
    last = { stage: progress.stage, at: now };
    const line: ProgressLine = { time: now, ...progress };
    appendFileSync(progressFile(folder), progressText(line));
    process.send?.(line);
  };
}

async function train({ job, objects }: TrainingOrder): Promise<void> {
  const outcome = await runTrainingJob(job, openObjects(objects), createReporter(job.directory));
  await writeOutcome(job.directory, outcome);
}

setPriority(PRIORITY);
// The server is gone: the next one starts this training again.
process.once('disconnect', () => process.exit(1));
if (!process.connected) process.exit(1);
process.once('message', (order: TrainingOrder) => {
  train(order).then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
