// Memory of a training of many pictures. Usage: node bench/trainer/memory.ts [COUNT …]
// Each count is trained in a process of its own: the budget fast on a small backbone, 64 features, 10 labels, one JPEG
// again and again under changing labels. Prints the peak of the resident memory and the seconds of each.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { openBackbone } from '../../src/vision/backbone.ts';
import { trainClassifier } from '../../src/vision/classifier.ts';
import { encodeModel } from '../../src/vision/graph/onnx.ts';
import { residualNetwork } from '../../src/vision/network.ts';
import { random } from '../../src/vision/random.ts';

const LABELS = 10;
const SIDE = 32;

async function train(count: number): Promise<void> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  const create = { width: 64, height: 64, channels: 3, background: '#806040', noise } as const;
  const files = await Promise.all(Array.from({ length: LABELS }, () => sharp({ create }).jpeg().toBuffer()));
  const model = residualNetwork({ widths: [8, 16], labels: 64 }, random(1));
  const last = model.initializers.get(model.nodes.at(-2)!.inputs[1]!)!;
  const next = random(2);
  last.data.set(Float32Array.from({ length: last.data.length }, () => next() - 0.5) as never);
  const description = { name: 'bench', inputSize: SIDE, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  const scratch = await mkdtemp(join(tmpdir(), 'ocellus-memory-'));
  const begun = performance.now();
  await trainClassifier({
    labels: Array.from({ length: LABELS }, (_, i) => `label ${i}`),
    exclusive: true,
    training: Array.from({ length: count }, (_, i) => ({
      id: String(i),
      labels: [(i * 7) % LABELS],
      load: async () => files[i % LABELS]!,
    })),
    seed: 0,
    budget: 'fast',
    backbone: await openBackbone(encodeModel(model), description),
    scratch,
  });
  const seconds = (performance.now() - begun) / 1000;
  await rm(scratch, { recursive: true });
  console.log(
    `| ${count} | ${Math.round(process.resourceUsage().maxRSS / 1024)} MB | ${seconds.toFixed(0)} s |`,
  );
}

const [first, ...counts] = process.argv.slice(2);
if (first === '--train') await train(Number(counts[0]));
else {
  console.log(`${availableParallelism()} cores\n\n| pictures | peak memory | time |\n| --- | --- | --- |`);
  for (const count of first ? [first, ...counts] : ['2500', '25000', '250000']) {
    const program = fileURLToPath(import.meta.url);
    process.stdout.write(execFileSync(process.execPath, [program, '--train', count]));
  }
}
