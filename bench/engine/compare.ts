// Compares the engine with PyTorch: the loss and every gradient of networks that reference.py has exported, and,
// where it has timed them, one training step. Usage: node bench/engine/compare.ts FOLDER
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differentiate } from '../../src/vision/graph/differentiate.ts';
import { Executable, type Feed } from '../../src/vision/graph/executable.ts';
import type { Graph, Value } from '../../src/vision/graph/graph.ts';
import { decodeModel, encodeModel, type OnnxModel } from '../../src/vision/graph/onnx.ts';
import { makeTrainable, weightNames } from '../../src/vision/graph/trainable.ts';
import { AdamW } from '../../src/vision/optimizer.ts';

interface Reference {
  loss: number;
  labels: number[];
  tensors: Record<string, { shape: number[]; offset: number }>;
  stepSeconds: number | null;
  torch: string;
  /** Whether the network normalises by batches: its dynamo export is then another network. */
  batchNorm: boolean;
}

const CLASSES = 5;
const TIMED_BATCH = 16;

function crossEntropy(g: Graph, logits: Value, targets: Value): Value {
  const total = g.sum(g.mul(g.op('LogSoftmax', [logits], { axis: -1 }), targets), [0, 1]);
  return g.mul(total, -1 / logits.shape[0]!);
}

async function trainingStep(model: OnnxModel, shape: number[]) {
  const { graph, input, output, parameters } = await makeTrainable(model, shape);
  const targets = graph.input('targets', [shape[0]!, CLASSES]);
  const loss = crossEntropy(graph, output, targets);
  const gradients = differentiate(
    graph,
    loss,
    parameters.map(({ value }) => value),
  );
  const outputs = Object.fromEntries(gradients.map((gradient, i) => [`gradient${i}`, gradient]));
  const step = await Executable.compile(encodeModel(graph.model({ loss, ...outputs })));
  const weights = parameters.map(({ value, data }) => [value.name, { data, shape: value.shape }] as const);
  const feeds: Record<string, Feed> = Object.fromEntries(weights);
  return { step, parameters, feeds, input: input.name };
}

/** Seconds of one training step (forward, backward, AdamW), the best of several. */
async function stepSeconds(model: OnnxModel, size: number): Promise<number> {
  const shape = [TIMED_BATCH, 3, size, size];
  const { step, parameters, feeds, input } = await trainingStep(model, shape);
  const optimizer = new AdamW(
    parameters.map(({ value, data }) => ({ data, shape: value.shape })),
    {
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
    },
  );
  const images = Float32Array.from({ length: TIMED_BATCH * 3 * size * size }, Math.random);
  const targets = new Float32Array(TIMED_BATCH * CLASSES).fill(1 / CLASSES);
  let best = Infinity;
  for (let i = 0; i < 8; i++) {
    const begun = performance.now();
    const results = await step.run({
      ...feeds,
      [input]: { data: images, shape },
      targets: { data: targets, shape: [TIMED_BATCH, CLASSES] },
    });
    optimizer.step(
      parameters.map((_, k) => results[`gradient${k}`]!),
      1e-4,
    );
    best = Math.min(best, performance.now() - begun);
  }
  await step.release();
  return best / 1000;
}

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

async function compare(folder: string, name: string, exporter: string): Promise<string> {
  const file = join(folder, `${name}.${exporter}.onnx`);
  if (!existsSync(file)) return 'not exported';
  const reference = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Reference;
  const bytes = readFileSync(join(folder, `${name}.bin`));
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const tensor = (key: string) => {
    const { shape, offset } = reference.tensors[key]!;
    return all.subarray(offset, offset + shape.reduce((product, n) => product * n, 1));
  };
  const model = decodeModel(readFileSync(file));
  if (exporter === 'dynamo' && reference.batchNorm) return 'batch normalisation folded away by the exporter';
  const { shape } = reference.tensors.input!;
  const { step, parameters, feeds, input } = await trainingStep(model, shape);
  const targets = new Float32Array(shape[0]! * CLASSES);
  reference.labels.forEach(
    (label, row) => void targets.fill(1, row * CLASSES + label, row * CLASSES + label + 1),
  );
  const results = await step.run({
    ...feeds,
    [input]: { data: tensor('input'), shape },
    targets: { data: targets, shape: [shape[0]!, CLASSES] },
  });
  await step.release();

  // Exporters rename matrices that they transpose: those are trained as well, but have no counterpart to compare with.
  const nameOf = new Map([...weightNames(model)].map((key) => [model.initializers.get(key)!.data, key]));
  let worst = 0;
  let compared = 0;
  let renamed = 0;
  for (const [k, { data }] of parameters.entries()) {
    const key = nameOf.get(data)!.replace(/^.*?::/, '');
    const ours = results[`gradient${k}`]!;
    if (
      reference.tensors[key]?.shape.join() === model.initializers.get(key)?.shape.join() &&
      reference.tensors[key]
    ) {
      const theirs = tensor(key);
      const difference = norm(ours.map((v, i) => v - theirs[i]!));
      // Gradients that are zero but for rounding (a bias before a normalisation) are compared with the others' size.
      worst = Math.max(worst, difference / Math.max(norm(theirs), 1e-3));
      compared++;
    } else renamed++;
  }
  const lossError = Math.abs(results.loss![0]! - reference.loss) / reference.loss;
  let line = `loss ${lossError.toExponential(1)}, ${compared} gradients ≤ ${worst.toExponential(1)}, ${renamed} renamed`;
  if (reference.stepSeconds && exporter === 'script') {
    const seconds = await stepSeconds(model, shape[2]!);
    line += `; step ${(seconds * 1000).toFixed(0)} ms, PyTorch ${(reference.stepSeconds * 1000).toFixed(0)} ms, ratio ${(reference.stepSeconds / seconds).toFixed(2)}`;
  }
  return line;
}

const folder = process.argv[2];
if (!folder) throw new Error('Usage: node bench/engine/compare.ts FOLDER');
for (const file of readdirSync(folder).filter((each) => each.endsWith('.json'))) {
  const name = file.slice(0, -5);
  for (const exporter of ['script', 'dynamo']) {
    const line = await compare(folder, name, exporter).catch((error: Error) => `FAILED: ${error.message}`);
    console.log(`${name} (${exporter}): ${line}`);
  }
}
