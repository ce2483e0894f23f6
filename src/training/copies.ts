import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../logger.ts';
import { ManifestError } from '../manifest/codes.ts';
import { ObjectError, type ObjectRef, type ObjectStore } from '../objects/objects.ts';
import type { VersionFolders } from '../store/folders.ts';
import type { Database } from '../store/schema.ts';
import { findVersionById, finishCopy, listVersionsInStatus, type ProjectVersion } from '../store/versions.ts';
import type { TrainingOutcome } from './outcome.ts';
import { MODEL_FILE, publishModel } from './publish.ts';
import { type ResultFiles, resultFiles, writeResult } from './results.ts';

type Completed = Extract<TrainingOutcome, { status: 'TRAINING_COMPLETED' }>;

const SERVICE_ISSUE = 'Amazon Rekognition experienced a service issue.';

interface Options {
  database: Database;
  folders: VersionFolders;
  objects: ObjectStore;
  logger: Logger;
}

/**
 * Makes copies of models behind the requests that asked for them: the model, and the result files of its training.
 * Every step can be done twice, so a copying that a killed server left is simply begun again.
 */
export class Copies {
  readonly #options: Options;
  readonly #work = new Set<Promise<void>>();
  #closed = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Begins, or takes up again, the copying into a version in COPYING_IN_PROGRESS. Doesn't wait for it. */
  start(version: ProjectVersion): void {
    const done = this.#run(version)
      .catch((error) => {
        this.#options.logger.error({ version: version.arn, err: error }, 'copy: its end could not be stored');
      })
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** Takes up every copying that the last run of the server left. */
  async resume(): Promise<void> {
    const versions = await listVersionsInStatus(this.#options.database, ['COPYING_IN_PROGRESS']);
    for (const version of versions) this.start(version);
  }

  /** Leaves what isn't done for the next start of the server. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#work);
  }

  async #run(version: ProjectVersion): Promise<void> {
    const { database, logger } = this.#options;
    const about = { version: version.arn, source: version.source?.arn };
    let end: Parameters<typeof finishCopy>[2] | undefined;
    try {
      const outcome = await this.#copy(version);
      end = outcome && { outcome };
    } catch (error) {
      logger.error({ ...about, err: error }, 'copy: failed');
      end = { failure: reason(error) };
    }
    if (!end) return;
    await finishCopy(database, version.id, end);
    logger.info({ ...about, ...end }, 'copy: ended');
  }

  /** What the copy takes over from its source; undefined when the server closes meanwhile. */
  async #copy(version: ProjectVersion): Promise<Completed | undefined> {
    const { database, folders } = this.#options;
    const source = version.source && (await findVersionById(database, version.source.id));
    if (source?.outcome?.status !== 'TRAINING_COMPLETED') throw new Error('The source has no model.');
    const model = await readFile(join(folders.path(source.id), MODEL_FILE));
    await publishModel(await folders.make(version.id), model);
    const { output } = version.request;
    const to = resultFiles({
      output: { bucket: output.bucket, prefix: output.prefix ?? '' },
      projectName: version.projectName,
      versionName: version.name,
    });
    const from = filesOf(source.outcome);
    for (const name of Object.keys(to) as (keyof ResultFiles)[]) {
      if (this.#closed) return undefined;
      await this.#copyFile(from[name], to[name]);
    }
    const { manifestSummary, trainingValidation, testingValidation, ...files } = to;
    const validation = { manifestSummary, trainingValidation, testingValidation };
    return { ...source.outcome, ...files, validation };
  }

  async #copyFile(from: ObjectRef, to: ObjectRef): Promise<void> {
    // A copy may be told to write where its source did.
    if (from.bucket === to.bucket && from.key === to.key) return;
    const { objects } = this.#options;
    await writeResult(objects, to, await objects.stream(from));
  }
}

function filesOf({ evaluationSummary, trainingOutput, testingOutput, validation }: Completed): ResultFiles {
  return { evaluationSummary, trainingOutput, testingOutput, ...validation };
}

/** The StatusMessage that users see. */
function reason(error: unknown): string {
  if (error instanceof ManifestError) return error.message;
  if (error instanceof ObjectError) {
    return `A result file of the source's training could not be read: ${error.message}`;
  }
  return SERVICE_ISSUE;
}
