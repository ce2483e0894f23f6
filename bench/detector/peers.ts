import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { chooseInput } from '../../src/vision/detection/scale.ts';
import type { DetectorSample } from '../../src/vision/detector.ts';
import { inspectImage } from '../../src/vision/image.ts';
import type { Outcome } from './run.ts';
import type { loadBoxes } from './sets.ts';

/** Runs `CONTENDER.py` (in Python: `PYTHON`, else python3) on a set, at the input size that Ocellus chooses. */
export async function trainPeer(
  { labels, training, testing }: ReturnType<typeof loadBoxes>,
  settings: { contender: string; seed: number; seconds: number; backbone: string },
): Promise<Outcome> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'ocellus-bench-'));
  const card = JSON.parse(await readFile(join(dirname(settings.backbone), 'card.json'), 'utf8'));
  const sized = await Promise.all(
    training.map(async ({ load, boxes }) => ({ size: await inspectImage(await load()), boxes })),
  );
  const { width, height } = chooseInput(sized);
  const toPicture = ({ id, boxes }: DetectorSample) => ({ file: id, boxes });
  const order = {
    ...settings,
    family: card.family,
    side: Math.min(width, height),
    longer: Math.max(width, height),
    labels,
    training: training.map(toPicture),
    testing: testing.map(toPicture),
  };
  const file = join(directory.path, 'order.json');
  await writeFile(file, JSON.stringify(order));
  const program = `${settings.contender}.py`;
  const child = spawn(process.env.PYTHON ?? 'python3', [join(import.meta.dirname, program), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([buffer(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  const { seconds, about, detections }: { seconds: number; about: string; detections: number[][][] } =
    JSON.parse(output.toString());
  const toDetection = ([label, score, left, top, boxWidth, boxHeight]: number[]) => ({
    label: label!,
    score: score!,
    left: left!,
    top: top!,
    width: boxWidth!,
    height: boxHeight!,
  });
  return { seconds, about, detections: detections.map((found) => found.map(toDetection)) };
}
