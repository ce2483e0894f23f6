import { describeDuration, type ProgressReport } from '../training/progress-report.ts';

const BAR = 24;

/** `fine-tuning, 43 %, 27 images/s, loss 0.42, held-out loss 0.50, about 2 min left` */
export function describeProgress(report: ProgressReport): string {
  const { stage = 'not begun', fraction } = report;
  return [stage, `${Math.floor(100 * fraction)} %`, ...details(report)].join(', ');
}

/** The same with a bar, at most `columns` wide. */
export function progressBar(report: ProgressReport, columns: number): string {
  const { stage = 'not begun', fraction } = report;
  const done = Math.floor(BAR * fraction);
  const bar = '█'.repeat(done) + '░'.repeat(BAR - done);
  const percent = `${Math.floor(100 * fraction)} %`.padStart(5);
  return [`${bar} ${percent}  ${stage}`, ...details(report)].join(', ').slice(0, columns);
}

function details({ attempt, imagesPerSecond, loss, validationLoss, secondsLeft }: ProgressReport): string[] {
  const losses = [
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(2)}`]),
    ...(validationLoss === undefined ? [] : [`held-out loss ${validationLoss.toFixed(2)}`]),
  ];
  return [
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(imagesPerSecond === undefined ? [] : [`${Math.round(imagesPerSecond)} images/s`]),
    ...losses,
    ...(secondsLeft === undefined ? [] : [`${describeDuration(secondsLeft)} left`]),
  ];
}
