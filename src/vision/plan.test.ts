import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUDGETS } from './budget.ts';
import type { Anatomy } from './cut.ts';
import { makePlan } from './plan.ts';

/** A network of so many multiplications that can be cut after every tenth of them. */
const network = (work: number): Anatomy => ({
  multiplications: work,
  work,
  cuts: Array.from({ length: 9 }, (_, i) => ({
    name: `cut${i}`,
    shape: [256, 7, 7],
    workAfter: work * (0.9 - i / 10),
  })),
  constants: new Map(),
});

describe('makePlan', () => {
  it('trains a head only when it has to be fast, or the backbone stays frozen', () => {
    expect(makePlan('fast', 750, network(3e8))).toEqual({ features: 4 });
    expect(makePlan('balanced', 750, undefined)).toEqual({ features: 4 });
  });

  it('tunes everything', () => {
    expect(makePlan('balanced', 1000, network(3e7)).tuning).toEqual({ views: 14_400 });
  });

  it('tunes the last two fifths where the budget cannot pay for everything', () => {
    const { tuning, features } = makePlan('balanced', 1000, network(5e9));
    expect(features).toBe(1);
    expect(tuning!.last).toMatchObject({ cut: { name: 'cut5' }, cached: true });
    expect(tuning!.views).toBeGreaterThan(1000);
  });

  it('keeps what lies at the cut on disk only where there is little of it', () => {
    expect(makePlan('balanced', 250_000, network(5e9)).tuning!.last).toMatchObject({ cached: false });
    expect(makePlan('balanced', 250_000, network(3e7)).features).toBe(1);
  });

  it('trains longer with a larger budget and more pictures', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 250_000 }),
        fc.double({ min: 1e6, max: 1e10, noNaN: true }),
        (pictures, work) => {
          const plans = BUDGETS.map((budget) => makePlan(budget, pictures, network(work)));
          const views = plans.map(({ tuning }) => tuning?.views ?? 0);
          const more = makePlan('balanced', pictures * 2, network(work)).tuning;
          const kinds = new Set(plans.slice(1).map(({ tuning }) => tuning?.last === undefined));
          if (kinds.size === 1) expect(views).toEqual(views.toSorted((a, b) => a - b));
          if (more && !more.last && !plans[1]!.tuning!.last) {
            expect(more.views).toBeGreaterThanOrEqual(views[1]!);
          }
          for (const { features } of plans) expect(features).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });
});
