import { wholeView } from './augment.ts';
import type { Detection } from './boxes.ts';
import { openDetector } from './detector-model.ts';
import { Executable } from './graph/executable.ts';
import { decodeModel, encodeModel, readMetadata } from './graph/onnx.ts';
import { decodeSquare } from './image.ts';
import type { TrainingRecord } from './record.ts';

/** What every model file says of itself (ONNX metadata, one JSON value under the key `ocellus`). */
interface CommonInfo {
  /** Format version of this record. */
  version: 1;
  labels: string[];
  /** Assumed threshold per label, 0–1, in the order of `labels`. */
  thresholds: number[];
  /** Per channel (RGB), on pixel values scaled to 0–1. */
  mean: number[];
  std: number[];
  /** What the network was made from, when it wasn't fresh weights. `checksum`: SHA-256 of its file, hexadecimal. */
  backbone?: { name: string; checksum: string; fineTuned: boolean };
  /** Absent from models of earlier versions. */
  training?: TrainingRecord;
}

/** A model that says of a whole image which labels it has. */
export interface ClassifierInfo extends CommonInfo {
  kind: 'classifier';
  /** Softmax over the labels when true, a sigmoid for each label when false. */
  exclusive: boolean;
  /** Side in pixels of the square network input; images are resized to it whole. */
  inputSize: number;
}

/** A model that finds objects. */
export interface DetectorInfo extends CommonInfo {
  kind: 'detector';
  /** Size in pixels of the network input; images are made to fit into it, from the upper left corner. */
  inputWidth: number;
  inputHeight: number;
}

export type ModelInfo = ClassifierInfo | DetectorInfo;

/** The metadata key of {@link ModelInfo}. */
export const METADATA_KEY = 'ocellus';

/** An image classifier in memory. `close` frees its native memory. */
export interface Classifier {
  readonly info: ClassifierInfo;
  /** Scores 0–1 per image and label, `[images][labels]`. Input: encoded JPEG or PNG files. Throws ImageError. */
  predict(images: Uint8Array[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** An object detector in memory. `close` frees its native memory. */
export interface Detector {
  readonly info: DetectorInfo;
  /**
   * The objects of each image, best first, one detection for each, boxes within the picture. Input: encoded JPEG or PNG files.
   * Throws ImageError.
   */
  detect(images: Uint8Array[]): Promise<Detection[][]>;
  close(): Promise<void>;
}

export type Model = Classifier | Detector;

/** TypeScript doesn't tell the two apart by `model.info.kind`. */
export function isDetector(model: Model): model is Detector {
  return model.info.kind === 'detector';
}

/** Loads a model file. Throws when it isn't one of ours. */
export async function loadModel(file: Uint8Array): Promise<Model> {
  return readInfo(file).kind === 'detector' ? await loadDetector(file) : await loadClassifier(file);
}

/** Loads the file of a classifier. Throws when it is none. */
export async function loadClassifier(file: Uint8Array): Promise<Classifier> {
  const info = readInfo(file);
  if (info.kind !== 'classifier') throw new Error(`The model file is that of a ${info.kind}`);
  return openClassifier(await Executable.compile(file), info);
}

/** Loads the file of a detector. Throws when it is none. */
export async function loadDetector(file: Uint8Array): Promise<Detector> {
  const info = readInfo(file);
  if (info.kind !== 'detector') throw new Error(`The model file is that of a ${info.kind}`);
  return openDetector(await Executable.compile(file), info);
}

function openClassifier(executable: Executable, info: ClassifierInfo): Classifier {
  const { inputSize: side, labels } = info;
  const pixels = 3 * side * side;
  return {
    info,
    async predict(images) {
      if (images.length === 0) return [];
      const data = new Float32Array(images.length * pixels);
      const decoded = await Promise.all(images.map((image) => decodeSquare(image, side)));
      decoded.forEach(
        (picture, i) => void wholeView(picture, data.subarray(i * pixels, (i + 1) * pixels), side, info),
      );
      const { scores } = await executable.run({ image: { data, shape: [images.length, 3, side, side] } });
      return images.map((_, i) => scores!.slice(i * labels.length, (i + 1) * labels.length));
    },
    close: () => executable.release(),
  };
}

function readInfo(file: Uint8Array): ModelInfo {
  const text = readMetadata(file)[METADATA_KEY];
  if (text === undefined)
    throw new Error('The ONNX file has no Ocellus metadata: it was not trained by Ocellus');
  const info = JSON.parse(text) as ModelInfo;
  if (info.version !== 1)
    throw new Error(`The model file has format ${info.version}; this server reads format 1`);
  return info;
}

/** The same model with other assumed thresholds (0–1, in the order of its labels). */
export function withThresholds(file: Uint8Array, thresholds: number[]): Uint8Array {
  const info = readInfo(file);
  if (thresholds.length !== info.labels.length) {
    throw new Error(`${thresholds.length} thresholds for ${info.labels.length} labels`);
  }
  return encodeModel({
    ...decodeModel(file),
    metadata: { [METADATA_KEY]: JSON.stringify({ ...info, thresholds }) },
  });
}
