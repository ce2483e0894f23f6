/** What a model file says of itself (ONNX metadata, one JSON value under the key `ocellus`). */
export interface ModelInfo {
  /** Format version of this record. */
  version: 1;
  kind: 'classifier';
  /** Softmax over the labels when true, a sigmoid for each label when false. */
  exclusive: boolean;
  labels: string[];
  /** Assumed threshold per label, 0–1, in the order of `labels`. */
  thresholds: number[];
  /** Side in pixels of the square network input; images are resized to it whole. */
  inputSize: number;
  /** Per channel (RGB), on pixel values scaled to 0–1. */
  mean: [number, number, number];
  std: [number, number, number];
}

/** A model in memory. `close` frees its native memory. */
export interface Model {
  readonly info: ModelInfo;
  /** Scores 0–1 per image and label, `[images][labels]`. Input: encoded JPEG or PNG files. Throws ImageError. */
  predict(images: Uint8Array[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** Loads a model file. Throws when it isn't one of ours. */
export async function loadModel(_file: Uint8Array): Promise<Model> {
  throw new Error('not written yet');
}

/** The same model with other assumed thresholds (0–1, in the order of its labels). */
export function withThresholds(_file: Uint8Array, _thresholds: number[]): Uint8Array {
  throw new Error('not written yet');
}
