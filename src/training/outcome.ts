import type { BackboneRef } from '../backbones/library.ts';
import type { ObjectRef } from '../objects/objects.ts';
import type { Budget } from '../vision/budget.ts';

/** A manifest in a bucket, or a copy of a data set's entries on the server's own disk. */
export type ManifestPlace = ObjectRef | { file: string };

/** What one training job is asked to do. Plain JSON: it crosses a process boundary and is kept on disk. */
export interface TrainingJob {
  projectVersionArn: string;
  projectName: string;
  versionName: string;
  /** Manifest of the training set. */
  training: ManifestPlace;
  /** Manifest of the test set, or about a fifth of the training set when absent (AutoCreate). */
  testing?: ManifestPlace;
  /** Where the result files go. */
  output: { bucket: string; prefix: string };
  /** How long the training may take (the tag `ocellus:budget`, else `OCELLUS_BUDGET`). */
  budget: Budget;
  seed: number;
  /** What to start from, and the folder of the backbones; fresh weights when absent. */
  backbone?: BackboneRef & { root: string };
  /** Folder of this version's own files (`model.onnx`, `outcome.json`, scratch). It exists. */
  directory: string;
}

/** Places of the result files that the API reports, all in the output bucket. */
export interface ValidationFiles {
  manifestSummary: ObjectRef;
  trainingValidation: ObjectRef;
  testingValidation: ObjectRef;
}

/** How a training job ended. Plain JSON. */
export type TrainingOutcome =
  | {
      status: 'TRAINING_COMPLETED';
      /** Mean F1 over the labels, 0–1. */
      f1Score: number;
      billableSeconds: number;
      evaluationSummary: ObjectRef;
      trainingOutput: ObjectRef;
      testingOutput: ObjectRef;
      validation: ValidationFiles;
      /** What users should know of how it was trained. */
      notes?: string[];
    }
  | {
      status: 'TRAINING_FAILED';
      /** The StatusMessage that users see. */
      message: string;
      /** Present when the manifests could be read and were found wanting. */
      validation?: ValidationFiles;
    };
