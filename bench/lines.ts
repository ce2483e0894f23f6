/**
 * Manifest lines for benchmarks: images with one of 98 labels, and every tenth with two boxes; of 5,000, one is unlabelled and one
 * has an error.
 */
export function manifestLine(number: number): string {
  const key = String((number * 7919) % 1_000_003).padStart(8, '0');
  const source = `s3://my-images/plant-7/camera-${number % 12}/2026-03-06/img-${key}.png`;
  const origin = { 'human-annotated': 'yes', 'creation-date': '2026-03-06T17:46:39.176' };
  if (number % 5000 === 1) return JSON.stringify({ 'source-ref': source });
  if (number % 10 === 0) {
    const annotations = [0, 1].map((class_id) => ({ class_id, left: 300, top: 120, width: 90, height: 60 }));
    return JSON.stringify({
      'source-ref': source,
      boxes: { image_size: [{ width: 800, height: 600, depth: 3 }], annotations },
      'boxes-metadata': {
        objects: annotations.map(() => ({ confidence: 1 })),
        'class-map': { 0: 'crane', 1: 'container' },
        type: 'groundtruth/object-detection',
        ...origin,
        'job-name': 'labeling-job/boxes',
      },
    });
  }
  return JSON.stringify({
    'source-ref': source,
    scene: 1,
    'scene-metadata': {
      confidence: 1,
      'job-name': 'labeling-job/scene',
      'class-name': `part ${number % 98}`,
      ...origin,
      type: number % 5000 === 2 ? 'groundtruth/label-verification' : 'groundtruth/image-classification',
    },
  });
}

/** The manifest of so many lines, in pieces as a file is read. */
export async function* manifestBytes(lines: number): AsyncGenerator<Uint8Array> {
  let text = '';
  for (let number = 1; number <= lines; number++) {
    text += `${manifestLine(number)}\n`;
    if (text.length < 64 * 1024 && number < lines) continue;
    yield Buffer.from(text);
    text = '';
  }
}
