import type { Budget } from './budget.ts';
import type { OnnxModel } from './graph/onnx.ts';

/** How far a network was trained: from fresh weights, or on a backbone a head, its last stages, or everything. */
export type Method = 'scratch' | 'head' | 'last stages' | 'whole network';

/** How a model was trained: stays with it. */
export interface TrainingRecord {
  budget: Budget;
  seed: number;
  method: Method;
  /** Mean loss on held-out training pictures of each method that was tried: natural logarithm, or a detector's weighted sum. */
  losses: Partial<Record<Method, number>>;
  /**
   * Expected calibration error, 0–1, on held-out training pictures: how far confidences are from the share of right answers. Absent
   * where there were too few pictures to hold some out.
   */
  calibrationError?: number;
}

/** A trained network, from `image` to `logits`, with what its logits are divided by to be calibrated. */
export interface Trained extends Pick<TrainingRecord, 'method' | 'losses' | 'calibrationError'> {
  network: OnnxModel;
  temperature: number;
}
