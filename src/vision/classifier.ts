/** One labelled image of a training or test set. */
export interface Sample {
  /** A stable name for messages and for the order of things, for example the S3 URL. */
  id: string;
  /** Indices into the label list: exactly one when labels are exclusive, none or several otherwise. */
  labels: number[];
  /** The encoded file (JPEG or PNG). May be called many times. */
  load(): Promise<Uint8Array>;
}

/** How far a training is; `fraction` runs from 0 to 1. */
export interface TrainingProgress {
  stage: string;
  fraction: number;
  /** Mean loss over the last epoch, natural logarithm. */
  loss?: number;
  imagesPerSecond?: number;
}

export interface ClassifierOptions {
  labels: string[];
  /** True: one label per image (softmax). False: any number of labels per image (sigmoid per label). */
  exclusive: boolean;
  training: Sample[];
  /** Same seed, data and machine: the same model, bit for bit. */
  seed: number;
  onProgress?(progress: TrainingProgress): void;
}

/**
 * Trains an image classifier and returns it as an ONNX file ({@link ModelInfo} in its metadata), with every
 * threshold at 0.5; evaluation sets them afterwards with `withThresholds`.
 */
export async function trainClassifier(_options: ClassifierOptions): Promise<Uint8Array> {
  throw new Error('not written yet');
}
