import { setTimeout } from 'node:timers/promises';
import type { Logger } from '../logger.ts';
import { ManifestError } from '../manifest/codes.ts';
import type { ObjectStore } from '../objects/objects.ts';
import {
  type Dataset,
  type DatasetEnd,
  type DatasetJob,
  deleteDataset,
  finishJob,
  listDatasetsInStatus,
} from '../store/datasets.ts';
import type { Database } from '../store/schema.ts';
import { clear, copy } from './contents.ts';
import { chooseEntries, moveAll } from './distribute.ts';
import { importManifest } from './import.ts';
import type { DatasetQueue, Turn } from './queue.ts';
import { checkUpdate, mergeEntries } from './update.ts';

/** Until a change of entries that the disk refused is tried again. */
const RETRY_MS = 10_000;

const SERVICE_ISSUE = 'Amazon Rekognition experienced a service issue.';

const success = (status: DatasetEnd['status'], message: string): DatasetEnd => ({
  status,
  message,
  code: 'SUCCESS',
});
const IMPORTED = success('CREATE_COMPLETE', 'The dataset was successfully created from the manifest file.');
const COPIED = success('CREATE_COMPLETE', 'The dataset was successfully created from the dataset.');
const UPDATED = success('UPDATE_COMPLETE', 'The dataset was successfully updated.');

interface Options {
  database: Database;
  objects: ObjectStore;
  queue: DatasetQueue;
  /** Of the choice that DistributeDatasetEntries makes. */
  seed: number;
  logger: Logger;
}

/**
 * Does what is in progress on data sets. It runs in the server's own process, in batches with pauses for requests:
 * SQLite gives the file to one process only, and checking a batch of lines takes no longer than storing it.
 */
export class DatasetJobs {
  readonly #options: Options;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Begins, or takes up again, what the data set's status says. Doesn't wait for it. */
  start(dataset: Dataset, turn: Turn = this.#options.queue.enter(concerned(dataset))): void {
    const running = this.#run(dataset, turn).catch((error) => {
      this.#options.logger.error(
        { err: error, dataset: dataset.arn },
        'dataset: its end could not be stored',
      );
    });
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  /** Takes up everything that the last run of the server left. */
  async resume(): Promise<void> {
    const left = await listDatasetsInStatus(this.#options.database, [
      'CREATE_IN_PROGRESS',
      'UPDATE_IN_PROGRESS',
      'DELETE_IN_PROGRESS',
    ]);
    // A copy was begun before anything that waits to change its source.
    const isCopy = ({ job }: Dataset) => job?.kind === 'copy';
    for (const dataset of left.filter(isCopy)) this.start(dataset);
    for (const dataset of left.filter((other) => !isCopy(other))) this.start(dataset);
  }

  /** Stops at the next pause; the next start of the server takes everything up again. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running);
  }

  async #run(dataset: Dataset, turn: Turn): Promise<void> {
    const { signal } = this.#closing;
    try {
      await turn.begun;
      if (signal.aborted) return;
      await (dataset.job ? this.#work(dataset, dataset.job) : this.#delete(dataset));
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      turn.done();
    }
  }

  async #delete(dataset: Dataset): Promise<void> {
    const { database, logger } = this.#options;
    await clear(database, dataset.id, this.#closing.signal);
    await deleteDataset(database, dataset);
    logger.info({ dataset: dataset.arn }, 'dataset: deleted');
  }

  async #work(dataset: Dataset, job: DatasetJob): Promise<void> {
    const { database, logger } = this.#options;
    const about = { dataset: dataset.arn };
    try {
      await this.#perform(dataset, job);
      logger.info(about, `dataset: ${job.kind} done`);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      logger.warn({ ...about, err: error }, `dataset: ${job.kind} failed`);
      const creating = job.kind === 'import' || job.kind === 'copy';
      if (creating) await clear(database, dataset.id, this.#closing.signal);
      await finishJob(
        database,
        changed(dataset),
        failure(creating ? 'CREATE_FAILED' : 'UPDATE_FAILED', error),
      );
    }
  }

  async #perform(dataset: Dataset, job: DatasetJob): Promise<void> {
    const { database, objects, seed } = this.#options;
    const { signal } = this.#closing;
    const { id } = dataset;
    switch (job.kind) {
      case 'import':
        await importManifest(database, objects, job.manifest, id, signal);
        return await finishJob(database, [id], IMPORTED);
      case 'copy':
        await copy(database, job.source, id, signal);
        return await finishJob(database, [id], COPIED);
      case 'update': {
        const entries = await checkUpdate(database, id, signal);
        return await this.#insist(dataset, () => mergeEntries(database, id, entries, signal));
      }
      case 'distribute': {
        const positions = await chooseEntries(database, id, seed, signal);
        return await this.#insist(dataset, () => moveAll(database, id, job.into, positions, signal));
      }
      case 'receive':
        // The other side does the work.
        return;
    }
  }

  /**
   * Changes entries for good. What was begun must come to its end, since a part of it would be neither the old contents nor
   * the new: when the disk fails or is full it is tried again until it isn't, or by the next start of the server.
   */
  async #insist(dataset: Dataset, change: () => Promise<void>): Promise<void> {
    const { database, logger } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      try {
        await change();
        return await finishJob(database, changed(dataset), UPDATED);
      } catch (error) {
        signal.throwIfAborted();
        logger.error({ err: error, dataset: dataset.arn }, 'dataset: a change is tried again');
        await setTimeout(RETRY_MS, undefined, { signal });
      }
    }
  }
}

/** Ids of the data sets whose entries the job changes. */
function changed({ id, job }: Dataset): number[] {
  return job?.kind === 'distribute' ? [id, job.into] : [id];
}

/** Ids of the data sets whose entries the job reads or changes. */
function concerned(dataset: Dataset): number[] {
  const { job } = dataset;
  switch (job?.kind) {
    case 'copy':
      return [job.source];
    case 'receive':
      return [];
    default:
      return changed(dataset);
  }
}

function failure(status: DatasetEnd['status'], error: unknown): DatasetEnd {
  return error instanceof ManifestError
    ? { status, message: error.message, code: 'CLIENT_ERROR' }
    : { status, message: SERVICE_ISSUE, code: 'SERVICE_ERROR' };
}
