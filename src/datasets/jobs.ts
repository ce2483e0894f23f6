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
import { distribute } from './distribute.ts';
import { importManifest } from './import.ts';
import type { DatasetQueue, Turn } from './queue.ts';
import { update } from './update.ts';

const SERVICE_ISSUE = 'Amazon Rekognition experienced a service issue.';

const success = (status: DatasetEnd['status'], message: string): DatasetEnd => ({
  status,
  message,
  code: 'SUCCESS',
});
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
    try {
      await this.#perform(dataset, job);
      logger.info({ dataset: dataset.arn }, `dataset: ${job.kind} done`);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      logger.warn({ dataset: dataset.arn, err: error }, `dataset: ${job.kind} failed`);
      const creating = job.kind === 'import' || job.kind === 'copy';
      if (creating) await clear(database, dataset.id, this.#closing.signal);
      const end = failure(creating ? 'CREATE_FAILED' : 'UPDATE_FAILED', error);
      for (const id of job.kind === 'distribute' ? [dataset.id, job.into] : [dataset.id]) {
        await finishJob(database, id, end);
      }
    }
  }

  async #perform({ id }: Dataset, job: DatasetJob): Promise<void> {
    const { database, objects, seed } = this.#options;
    const { signal } = this.#closing;
    switch (job.kind) {
      case 'import': {
        await importManifest(database, objects, job.manifest, id, signal);
        const message = 'The dataset was successfully created from the manifest file.';
        return await finishJob(database, id, success('CREATE_COMPLETE', message));
      }
      case 'copy': {
        await copy(database, job.source, id, signal);
        const message = 'The dataset was successfully created from the dataset.';
        return await finishJob(database, id, success('CREATE_COMPLETE', message));
      }
      case 'update':
        return await update(database, id, (transaction) => finishJob(transaction, id, UPDATED), signal);
      case 'distribute': {
        const finish = async (transaction: Database) => {
          for (const side of [id, job.into]) await finishJob(transaction, side, UPDATED);
        };
        return await distribute(database, id, job.into, seed, finish, signal);
      }
      case 'receive':
        // The other side does the work.
        return;
    }
  }
}

/** Ids of the data sets whose entries the job reads or changes. */
function concerned({ id, job }: Dataset): number[] {
  switch (job?.kind) {
    case 'copy':
      return [job.source];
    case 'distribute':
      return [id, job.into];
    case 'receive':
      return [];
    default:
      return [id];
  }
}

function failure(status: DatasetEnd['status'], error: unknown): DatasetEnd {
  return error instanceof ManifestError
    ? { status, message: error.message, code: 'CLIENT_ERROR' }
    : { status, message: SERVICE_ISSUE, code: 'SERVICE_ERROR' };
}
