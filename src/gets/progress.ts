import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '../operations/errors.ts';
import { requireVersion } from '../operations/lookup.ts';
import type { Context } from '../operations/operation.ts';
import type { SignedGet } from '../protocol/signed-get.ts';
import { findVersionById, type ProjectVersion } from '../store/versions.ts';
import { readProgress } from '../training/progress.ts';
import { type ProgressReport, progressReport } from '../training/progress-report.ts';

/** A comment is sent when there is nothing to say for so long: proxies close silent connections. */
const KEEP_ALIVE_MS = 15_000;

/**
 * `GET /progress/VERSION-ARN`: how a training goes or went, as JSON, or with `Accept: text/event-stream` as server-sent
 * events until it ends. Whoever may call DescribeProjectVersions may ask.
 * Throws InvalidParameterException for a copy, which nobody trained here.
 */
export const progress: SignedGet = {
  name: 'progress',
  async handle(arn, { headers, closing }, context) {
    const version = await requireVersion(arn, context);
    if (version.source) {
      throw new ServiceError(
        'InvalidParameterException',
        'The project version is a copy: it was not trained here.',
      );
    }
    const always = { 'cache-control': 'no-store' };
    if (headers.accept?.includes('text/event-stream')) {
      const body = Readable.from(events(version.id, context, closing));
      return { headers: { ...always, 'content-type': 'text/event-stream' }, body };
    }
    const body = JSON.stringify(await report(version, context));
    return { headers: { ...always, 'content-type': 'application/json' }, body };
  },
};

async function report(version: ProjectVersion, context: Context, since?: number): Promise<ProgressReport> {
  const { trainings, folders } = context;
  const history = trainings.progress(version.id) ?? (await readProgress(folders.path(version.id)));
  return progressReport(version, history, Date.now(), since);
}

/** The first event has the whole curve, each later one what is new of it; the last one is named `end`. */
async function* events(id: string, context: Context, closing: AbortSignal): AsyncGenerator<string, void> {
  let since = 0;
  while (!closing.aborted) {
    // Asked for before the state is read, so that no change falls in between.
    const change = context.trainings.nextChange(id);
    const version = await findVersionById(context.database, id);
    if (!version) return;
    const now = await report(version, context, since);
    since = now.curve.at(-1)?.time ?? since;
    const ended = version.status !== 'TRAINING_IN_PROGRESS';
    yield `event: ${ended ? 'end' : 'progress'}\ndata: ${JSON.stringify(now)}\n\n`;
    if (ended) return;
    while (!(await happens(change, closing))) yield ': still there\n\n';
  }
}

/** True when there is a change or the server closes, false when neither is for a while. */
async function happens(change: Promise<void>, closing: AbortSignal): Promise<boolean> {
  const waited = new AbortController();
  const signal = AbortSignal.any([closing, waited.signal]);
  const silence = sleep(KEEP_ALIVE_MS, false, { signal }).catch(() => true);
  try {
    return await Promise.race([change.then(() => true), silence]);
  } finally {
    waited.abort();
  }
}
