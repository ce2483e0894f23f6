import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backbonesIn } from '../backbones/library.ts';
import type { Config } from '../config.ts';
import type { DatasetQueue, Turn } from '../datasets/queue.ts';
import type { Logger } from '../logger.ts';
import type { VersionFolders } from '../store/folders.ts';
import type { Database } from '../store/schema.ts';
import {
  finishTraining,
  listVersionsInStatus,
  type ProjectVersion,
  trainedDatasets,
} from '../store/versions.ts';
import { copyDatasets, datasetManifests, removeCopies } from './dataset-manifests.ts';
import type { TrainingJob, TrainingOutcome } from './outcome.ts';
import { readOutcome } from './outcome-file.ts';
import type { TrainingOrder } from './process.ts';
import { beginAttempt, ProgressHistory, type ProgressLine, readProgress } from './progress.ts';

/** `process.ts` here, `process.js` in the published package. */
const PROGRAM = fileURLToPath(new URL(`./process${extname(import.meta.url)}`, import.meta.url));

/** A training whose process crashed is tried once more. */
const ATTEMPTS = 2;

const SERVICE_ISSUE = 'Amazon Rekognition experienced a service issue.';
/** The system kills a process that takes the last memory; V8 ends itself. */
const NO_MEMORY = " (The training's process was ended from outside: the machine may have too little memory.)";

function failure(isMemory: boolean): TrainingOutcome {
  return { status: 'TRAINING_FAILED', message: isMemory ? SERVICE_ISSUE + NO_MEMORY : SERVICE_ISSUE };
}

interface Options {
  database: Database;
  folders: VersionFolders;
  datasetQueue: DatasetQueue;
  config: Pick<Config, 'objects' | 'seed' | 'budget' | 'dataDirectory'>;
  logger: Logger;
}

interface Training {
  /** Resolves when this attempt is written down, or when there is nothing left to do. */
  begun: Promise<unknown>;
  /** Settles when the outcome is stored, or when the server closes. Never rejects. */
  ended: Promise<void>;
  process?: ChildProcess;
  progress: ProgressHistory;
}

/** Runs every training in a process of its own and stores how it ended. */
export class Trainings {
  readonly #options: Options;
  readonly #running = new Map<string, Training>();
  readonly #closing = new AbortController();
  /** An event, named by the version's id, whenever it has got further or ended. */
  readonly #changes = new EventEmitter().setMaxListeners(0);

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * Begins, or takes up again, the training of a version in TRAINING_IN_PROGRESS. Doesn't wait for it. At its `turn` it
   * reads the project's data sets, if it uses them.
   */
  start(version: ProjectVersion, turn = this.#queueUp(version)): void {
    const training: Training = {
      begun: once(this.#changes, version.id),
      ended: Promise.resolve(),
      progress: new ProgressHistory(),
    };
    this.#running.set(version.id, training);
    training.ended = this.#run(version, training, turn)
      .catch((error) => {
        this.#options.logger.error(
          { err: error, version: version.arn },
          'training: its end could not be stored',
        );
      })
      .finally(() => {
        this.#running.delete(version.id);
        this.#changes.emit(version.id);
      });
  }

  #queueUp(version: ProjectVersion): Turn {
    return this.#options.datasetQueue.enter(trainedDatasets(version.request));
  }

  /** Takes up every training that the last run of the server left. */
  async resume(): Promise<void> {
    const versions = await listVersionsInStatus(this.#options.database, ['TRAINING_IN_PROGRESS']);
    for (const version of versions) this.start(version);
    // From here on nobody takes what the last run reported for what this one does.
    await Promise.all(versions.map(({ id }) => this.#running.get(id)?.begun));
  }

  /** How a running training has gone so far; undefined when it isn't running. */
  progress(versionId: string): ProgressHistory | undefined {
    return this.#running.get(versionId)?.progress;
  }

  /** Resolves when a training has got further or ended. Never, for one that isn't running. */
  async nextChange(versionId: string): Promise<void> {
    await once(this.#changes, versionId);
  }

  /** Ends the processes; the next start of the server takes the trainings up again. */
  async close(): Promise<void> {
    this.#closing.abort();
    const trainings = [...this.#running.values()];
    for (const training of trainings) training.process?.kill('SIGKILL');
    await Promise.all(trainings.map((training) => training.ended));
  }

  async #run(version: ProjectVersion, training: Training, turn: Turn): Promise<void> {
    const { database, logger } = this.#options;
    const about = { version: version.arn };
    let end: Awaited<ReturnType<typeof readOutcome>>;
    try {
      end = await this.#train(version, training, turn);
    } catch (error) {
      if (!this.#closed) logger.error({ ...about, err: error }, 'training: could not be run');
    } finally {
      turn.done();
    }
    if (this.#closed) return;
    const { outcome, endedAt } = end ?? { outcome: failure(false), endedAt: Date.now() };
    await finishTraining(database, version.id, outcome, endedAt);
    logger.info({ ...about, ...outcome }, 'training: ended');
    const { datasets } = version.request;
    if (datasets) await removeCopies(this.#options.folders.path(version.id), datasets);
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** The outcome; undefined when the server closes. */
  async #train(version: ProjectVersion, training: Training, turn: Turn) {
    const folder = await this.#options.folders.make(version.id);
    training.progress = await readProgress(folder);
    // Present when an earlier run of the server ended between the training's end and its being stored.
    let end = await readOutcome(folder);
    if (end) return end;
    await this.#begin(version, training, folder);
    await this.#readDatasets(version, folder, turn);
    let isMemory = false;
    for (let attempt = 1; attempt <= ATTEMPTS && !this.#closed; attempt++) {
      if (attempt > 1) await this.#begin(version, training, folder);
      const exit = await this.#runProcess(version, training, folder);
      end = await readOutcome(folder);
      if (end || this.#closed) return end;
      const log = (await readFile(join(folder, 'training.log'), 'utf8')).slice(-2000);
      this.#options.logger.error(
        { version: version.arn, attempt, ...exit, log },
        'training: the process crashed',
      );
      isMemory = exit.signal === 'SIGKILL' || log.includes('heap out of memory');
    }
    return { outcome: failure(isMemory), endedAt: Date.now() };
  }

  async #begin(version: ProjectVersion, { progress }: Training, folder: string): Promise<void> {
    await beginAttempt(folder, progress);
    this.#changes.emit(version.id);
  }

  /** Copies the data sets as they were when the version was created. */
  async #readDatasets({ request }: ProjectVersion, folder: string, turn: Turn): Promise<void> {
    await turn.begun;
    const { signal } = this.#closing;
    if (request.datasets) await copyDatasets(this.#options.database, folder, request.datasets, signal);
    turn.done();
  }

  async #runProcess(version: ProjectVersion, training: Training, folder: string) {
    const { config, logger } = this.#options;
    const about = { version: version.arn };
    // A file, not a pipe: the last words of a process that crashes are kept, and nobody has to read along.
    const log = await open(join(folder, 'training.log'), 'a');
    try {
      const child = fork(PROGRAM, { execArgv: [], stdio: ['ignore', log.fd, log.fd, 'ipc'] });
      const exited = once(child, 'exit');
      training.process = child;
      logger.info({ ...about, pid: child.pid }, 'training: started');
      child.on('message', (line: ProgressLine) => {
        logProgress(logger, about, line, training.progress);
        training.progress.add(line);
        this.#changes.emit(version.id);
      });
      const order: TrainingOrder = { job: this.#job(version, folder), objects: config.objects };
      // A process that dies at once can't be sent to; its exit tells.
      child.send(order, () => {});
      const [code, signal] = await exited;
      return { code, signal };
    } finally {
      training.process = undefined;
      await log.close();
    }
  }

  #job(version: ProjectVersion, directory: string): TrainingJob {
    const { datasets, output, backbone, budget } = version.request;
    const { training, testing } = datasets ? datasetManifests(directory, datasets) : version.request;
    if (!training) throw new Error('The version has nothing to be trained from.');
    const { config } = this.#options;
    return {
      projectVersionArn: version.arn,
      projectName: version.projectName,
      versionName: version.name,
      training,
      testing,
      output: { bucket: output.bucket, prefix: output.prefix ?? '' },
      seed: config.seed,
      budget: budget ?? config.budget,
      backbone: backbone && { ...backbone, root: backbonesIn(config.dataDirectory).root },
      directory,
    };
  }
}

/** Logs the first report of a stage, and remarks. */
function logProgress(logger: Logger, about: object, line: ProgressLine, { current }: ProgressHistory): void {
  if ('started' in line) return;
  if (line.note !== undefined) logger.warn(about, `training: ${line.note}`);
  if (line.stage !== current.at(-1)?.stage) logger.info({ ...about, ...line }, `training: ${line.stage}`);
}
