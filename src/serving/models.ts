import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../logger.ts';
import type { VersionFolders } from '../store/folders.ts';
import type { Database } from '../store/schema.ts';
import { listVersionsInStatus, moveVersion, type ProjectVersion } from '../store/versions.ts';
import type { Box } from '../vision/boxes.ts';
import { isDetector, loadModel, type Model } from '../vision/model.ts';

/** Images that one inference unit may have waiting or in work; more are refused before they take memory. */
const IMAGES_PER_UNIT = 50;

/** Why a model doesn't answer. */
export class NotServedError extends Error {
  readonly reason: 'not-running' | 'overloaded';

  constructor(reason: 'not-running' | 'overloaded', message: string) {
    super(message);
    this.name = 'NotServedError';
    this.reason = reason;
  }
}

interface Served {
  model: Promise<Model>;
  capacity: number;
  predictions: Set<Promise<unknown>>;
}

interface Options {
  database: Database;
  folders: VersionFolders;
  logger: Logger;
}

/** What an image scored, or one object in it, with what the model says of the label. */
export interface Prediction {
  label: string;
  /** 0–1. */
  score: number;
  /** Score from which the label is assumed to be there, 0–1. */
  threshold: number;
  /** Where the object is; absent where the label is of the whole image. */
  box?: Box;
}

/** The models in memory. */
export class Models {
  readonly #options: Options;
  readonly #served = new Map<string, Served>();
  /** Loads and stops that go on behind the requests that asked for them. */
  readonly #work = new Set<Promise<void>>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Loads the model of a version in STARTING (or RUNNING, after a restart) and moves it to RUNNING or FAILED. */
  start(version: ProjectVersion): void {
    const model = this.#load(version.id);
    const capacity = IMAGES_PER_UNIT * (version.maxInferenceUnits ?? version.minInferenceUnits ?? 1);
    this.#served.set(version.id, { model, capacity, predictions: new Set() });
    this.#inBackground(version, async () => {
      try {
        await model;
        await moveVersion(this.#options.database, version.id, ['STARTING'], 'RUNNING');
      } catch (error) {
        this.#served.delete(version.id);
        this.#options.logger.error(
          { version: version.arn, err: error },
          'serving: the model could not be loaded',
        );
        const message = 'The model could not be loaded. The log of the server has the reason.';
        await moveVersion(this.#options.database, version.id, ['STARTING', 'RUNNING'], 'FAILED', message);
      }
    });
  }

  /** Unloads the model of a version in STOPPING, when its last prediction is done, and moves it to STOPPED. */
  stop(version: ProjectVersion): void {
    const served = this.#served.get(version.id);
    this.#served.delete(version.id);
    this.#inBackground(version, async () => {
      if (served) await unload(served);
      await moveVersion(this.#options.database, version.id, ['STOPPING'], 'STOPPED');
    });
  }

  /** Loads what ran when the server was last ended. Predictions wait for the loading. */
  async resume(): Promise<void> {
    for (const version of await listVersionsInStatus(this.#options.database, ['STOPPING']))
      this.stop(version);
    const running = await listVersionsInStatus(this.#options.database, ['STARTING', 'RUNNING']);
    for (const version of running) this.start(version);
  }

  /**
   * Every label of the model with its score on an encoded image; of a detector, every object that it found, the best first.
   * Throws NotServedError and ImageError.
   */
  async predict(versionId: string, image: Uint8Array): Promise<Prediction[]> {
    const served = this.#served.get(versionId);
    if (!served) throw new NotServedError('not-running', 'The model is not loaded.');
    if (served.predictions.size >= served.capacity) {
      throw new NotServedError('overloaded', 'More images are waiting than the inference units can take.');
    }
    const prediction = predictOne(served, image);
    served.predictions.add(prediction);
    try {
      return await prediction;
    } finally {
      served.predictions.delete(prediction);
    }
  }

  /** Unloads everything, without a change of status: the next start of the server loads it again. */
  async close(): Promise<void> {
    await Promise.all(this.#work);
    const served = [...this.#served.values()];
    this.#served.clear();
    await Promise.all(served.map(unload));
  }

  async #load(versionId: string): Promise<Model> {
    return await loadModel(await readFile(join(this.#options.folders.path(versionId), 'model.onnx')));
  }

  #inBackground(version: ProjectVersion, work: () => Promise<void>): void {
    const done = work()
      .catch((error) => {
        this.#options.logger.error(
          { version: version.arn, err: error },
          'serving: the status could not be stored',
        );
      })
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }
}

async function predictOne(served: Served, image: Uint8Array): Promise<Prediction[]> {
  const model = await served.model;
  const { labels, thresholds } = model.info;
  const say = (label: number, score: number) => ({
    label: labels[label]!,
    score,
    threshold: thresholds[label]!,
  });
  if (!isDetector(model)) {
    const [scores] = await model.predict([image]);
    return labels.map((_, index) => say(index, scores![index]!));
  }
  const [found] = await model.detect([image]);
  return found!.map(({ label, score, ...box }) => ({ ...say(label, score), box }));
}

async function unload({ model, predictions }: Served): Promise<void> {
  await Promise.allSettled(predictions);
  const loaded = await model.catch(() => undefined);
  await loaded?.close();
}
