import type { Budget } from './budget.ts';
import type { Anatomy, Cut } from './cut.ts';
import { sizeOf } from './graph/graph.ts';

/** How much of a budget goes where, for one backbone and one set of pictures. */
export interface Plan {
  /** Views of each picture that features are computed of: the whole picture, its mirror image and random ones. */
  features: number;
  /** Fine-tuning of everything, or where that is too much work, of what lies behind a cut. */
  tuning?: {
    /** Views to show in it, besides those of its trial. */
    views: number;
    /** `cached`: what lies before the cut is computed once, with the features, and kept on disk. */
    last?: { cut: Cut; cached: boolean };
  };
}

/** What a budget allows for up to `pictures` pictures; for more in proportion. */
interface Allowance {
  pictures: number;
  /** Views of a picture, and multiplications, for features. */
  features: { views: number; multiplications: number };
  /** Views to show (per picture, within bounds), and work, for fine-tuning. */
  tuning?: { perPicture: number; minimum: number; maximum: number; work: number };
}

/** Two cores do about 8e10 multiplications a second forwards and 6e10 in training; on slow machines 4e10. */
const ALLOWANCES: Record<Budget, Allowance> = {
  fast: { pictures: 750, features: { views: 4, multiplications: 1.5e12 } },
  balanced: {
    pictures: 1500,
    features: { views: 4, multiplications: 1.5e12 },
    tuning: { perPicture: 14.4, minimum: 3_600, maximum: 72_000, work: 13.2e12 },
  },
  best: {
    pictures: 1500,
    features: { views: 8, multiplications: 6e12 },
    tuning: { perPicture: 40, minimum: 10_000, maximum: 200_000, work: 43.2e12 },
  },
};

/** Share of the work behind the cut at most. */
const LAST = 0.4;
/** A cut with less behind it leaves nothing to tune that the head doesn't do. */
const LEAST = 0.02;
/** Many pictures are varied enough without random views. */
const ENOUGH_ROWS = 200_000;
/** Work of the gradients of what is trained, as a multiple of that of its values. */
const BACKWARD = 2;
/** Bytes of temporary files. */
const CACHE = 2 ** 30;
/** Fewer views teach a whole network nothing. */
const FEWEST_VIEWS = 600;
const FEWEST_VIEWS_PER_PICTURE = 1.2;

/**
 * Plans a training. `anatomy` is absent where the backbone stays frozen, or isn't known. Depends on nothing but its
 * arguments, so that the same pictures give the same model.
 */
export function makePlan(budget: Budget, pictures: number, anatomy: Anatomy | undefined): Plan {
  const { features, tuning, pictures: usual } = ALLOWANCES[budget];
  const scale = Math.max(1, pictures / usual);
  const enough = Math.floor(ENOUGH_ROWS / pictures);
  if (!anatomy) return { features: Math.max(1, Math.min(features.views, enough)) };
  const affordable = Math.floor((features.multiplications * scale) / (pictures * anatomy.multiplications));
  const plan: Plan = { features: Math.max(1, Math.min(features.views, affordable, enough)) };
  if (!tuning) return plan;

  const wanted = Math.min(tuning.maximum, Math.max(tuning.minimum, tuning.perPicture * pictures));
  const viewsOf = (work: number) => Math.floor(Math.min(wanted, (tuning.work * scale) / work));
  const { work } = anatomy;
  const views = viewsOf((1 + BACKWARD) * work);
  if (views >= Math.max(FEWEST_VIEWS, FEWEST_VIEWS_PER_PICTURE * pictures))
    return { ...plan, tuning: { views } };
  const cut = anatomy.cuts.find(({ workAfter }) => workAfter <= LAST * work);
  if (!cut || cut.workAfter < LEAST * work) return plan;
  const bytes = pictures * plan.features * sizeOf(cut.shape) * Float32Array.BYTES_PER_ELEMENT;
  const last = { cut, cached: bytes <= CACHE };
  return { ...plan, tuning: { views: viewsOf((1 + BACKWARD) * cut.workAfter), last } };
}
