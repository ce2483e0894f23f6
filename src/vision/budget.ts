/**
 * How long to train. `fast`: for tests and first looks, a head on frozen features where there is a backbone. `balanced`: for
 * use. `best`: three times as long, for a model that costs no more to run.
 */
export const BUDGETS = ['fast', 'balanced', 'best'] as const;
export type Budget = (typeof BUDGETS)[number];
