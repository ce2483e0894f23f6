import type { Budget } from './budget.ts';

/** How a model was trained: stays with it. */
export interface TrainingRecord {
  budget: Budget;
  seed: number;
}
