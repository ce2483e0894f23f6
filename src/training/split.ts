import { permutation, random } from '../vision/random.ts';

/** Share of the images that the test set gets. */
const TEST_SHARE = 0.2;

/**
 * Chooses the images of the test set: about a fifth of each label's, at least one of every label that has two or more
 * as far as labels on common images allow it, and never a label's last training image. The rarest labels choose first
 * (the order of iterative stratification, Sechidis et al. 2011). Same seed, same choice.
 *
 * @param labels the labels of each image
 * @returns indices of the test images, ascending
 */
export function chooseTestImages(labels: readonly (readonly string[])[], seed: number): number[] {
  const images = imagesByLabel(labels, seed);
  const rarestFirst = [...images].sort(([a, ofA], [b, ofB]) => ofA.length - ofB.length || (a < b ? -1 : 1));
  const wanted = new Map(rarestFirst.map(([label, of]) => [label, testShare(of.length)]));
  const chosen = new Set<number>();
  const inTest = new Map<string, number>();
  const count = (label: string) => inTest.get(label) ?? 0;

  const choose = (label: string, number: number, mayGo: (ownLabel: string) => boolean) => {
    for (const image of images.get(label)!) {
      if (count(label) >= number) return;
      if (chosen.has(image) || !labels[image]!.every(mayGo)) continue;
      chosen.add(image);
      for (const own of labels[image]!) inTest.set(own, count(own) + 1);
    }
  };
  for (const [label] of rarestFirst)
    choose(label, wanted.get(label)!, (own) => count(own) < wanted.get(own)!);
  // A label that always stands beside filled ones got nothing yet: it may exceed their share.
  for (const [label, of] of rarestFirst) {
    if (of.length > 1) choose(label, 1, (own) => count(own) < images.get(own)!.length - 1);
  }
  return [...chosen].sort((a, b) => a - b);
}

function testShare(images: number): number {
  return images < 2 ? 0 : Math.max(1, Math.round(images * TEST_SHARE));
}

/** The images of each label, shuffled. */
function imagesByLabel(labels: readonly (readonly string[])[], seed: number): Map<string, number[]> {
  const byLabel = new Map<string, number[]>();
  for (const image of permutation(labels.length, random(seed))) {
    for (const label of labels[image]!) {
      const images = byLabel.get(label);
      if (images) images.push(image);
      else byLabel.set(label, [image]);
    }
  }
  return byLabel;
}
