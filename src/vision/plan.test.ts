import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUDGETS } from './budget.ts';
import type { Anatomy } from './cut.ts';
import { makePlan } from './plan.ts';

/** A network of so many multiplications that can be cut after every tenth of them. */
const network = (work: number): Anatomy => ({
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
    expect(makePlan('balanced', 750, undefined)).toEqual({ features: 6 });
  });

  it('tunes the last two fifths, then everything', () => {
    const { last, whole } = makePlan('balanced', 1000, network(3e7));
    expect(last).toMatchObject({ cut: { name: 'cut5' }, cached: true, views: 6_400 });
    expect(whole).toEqual({ views: 25_600 });
  });

  it('leaves out what the budget cannot pay', () => {
    const { last, whole, features } = makePlan('balanced', 1000, network(5e9));
    expect(features).toBe(1);
    expect(whole).toBeUndefined();
    expect(last!.views).toBeGreaterThan(1000);
  });

  it('shows more views where the finest maps are kept', () => {
    const whole = network(5e8);
    const kept = { ...whole, fine: whole.cuts[3] };
    expect(makePlan('balanced', 1500, kept).whole!.views).toBeGreaterThan(
      1.3 * makePlan('balanced', 1500, whole).whole!.views,
    );
  });

  it('keeps what lies at the cut on disk only where there is little of it', () => {
    expect(makePlan('balanced', 250_000, network(3e7)).last).toMatchObject({ cached: false });
    expect(makePlan('balanced', 250_000, network(3e7)).features).toBe(1);
  });

  it('trains longer with a larger budget and more pictures', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 250_000 }),
        fc.double({ min: 1e6, max: 1e10, noNaN: true }),
        (pictures, work) => {
          const plans = BUDGETS.map((budget) => makePlan(budget, pictures, network(work)));
          const views = plans.map(({ last, whole }) => (last?.views ?? 0) + (whole?.views ?? 0));
          expect(views).toEqual(views.toSorted((a, b) => a - b));
          const more = makePlan('balanced', pictures * 2, network(work));
          const total = (more.last?.views ?? 0) + (more.whole?.views ?? 0);
          if (more.whole && plans[1]!.whole) expect(total).toBeGreaterThanOrEqual(views[1]!);
          for (const { features } of plans) expect(features).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });
});
