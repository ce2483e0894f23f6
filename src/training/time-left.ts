import type { ProgressPoint } from './progress.ts';

/** Nothing is said before an attempt has run for so long, in milliseconds, and come so far. */
const MINIMUM = { time: 3000, fraction: 0.01 };
/** The pace is that of the last fifth of the time, or of the last 20 seconds where that is more. */
const WINDOW = { share: 0.2, minimum: 20_000 };
const SLICES = 8;

/**
 * Seconds until the fraction reaches 1, at its recent pace; undefined while nothing can be said. The pace is the median
 * over slices of the recent past, which neither a jump (a stage that was left out) nor a short halt moves. `points` are
 * those of one attempt, in order of time; `now` and their times are in milliseconds.
 */
export function secondsLeft(
  points: readonly ProgressPoint[],
  startedAt: number,
  now: number,
): number | undefined {
  const last = points.at(-1);
  if (!last || now - startedAt < MINIMUM.time || last.fraction < MINIMUM.fraction) return undefined;
  if (last.fraction >= 1) return 0;
  const from = Math.max(startedAt, now - Math.max(WINDOW.minimum, WINDOW.share * (now - startedAt)));
  const at = (time: number) => fractionAt(points, startedAt, time);
  const slice = (now - from) / SLICES;
  const paces = Array.from({ length: SLICES }, (_, i) => {
    return (at(from + (i + 1) * slice) - at(from + i * slice)) / slice;
  });
  // Where reports are rarer than slices most of them are empty.
  const pace = median(paces) || (at(now) - at(from)) / (now - from);
  return pace > 0 ? (1 - last.fraction) / pace / 1000 : undefined;
}

/** Between two reports the fraction grows evenly; after the last one it stands. */
function fractionAt(points: readonly ProgressPoint[], startedAt: number, time: number): number {
  let before = { time: startedAt, fraction: 0 };
  for (const point of points) {
    if (point.time > time) {
      const share = (time - before.time) / (point.time - before.time);
      return before.fraction + share * (point.fraction - before.fraction);
    }
    before = point;
  }
  return before.fraction;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
