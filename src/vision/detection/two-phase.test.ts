import { Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { findFeatureMaps } from '../feature-maps.ts';
import { differentiate } from '../graph/differentiate.ts';
import { Executable } from '../graph/executable.ts';
import { encodeModel } from '../graph/onnx.ts';
import { makeTrainable } from '../graph/trainable.ts';
import { residualNetwork } from '../network.ts';
import { random } from '../random.ts';
import { freshHead, withDetector } from './pyramid.ts';
import { TwoPhaseStep } from './two-phase.ts';

const SHAPE = [2, 3, 64, 64];

async function trainable() {
  const backbone = residualNetwork({ widths: [8, 8, 16, 16], labels: 1 }, random(1));
  const maps = (await findFeatureMaps(backbone))!;
  return await makeTrainable(withDetector(backbone, maps, freshHead(maps, 2, random(2)), [64, 64]), SHAPE);
}

it('two runs give the gradients that one run gives', async () => {
  const next = random(5);
  const image = Float32Array.from({ length: 2 * 3 * 64 * 64 }, next);
  const whole = await trainable();
  const slope = Float32Array.from({ length: whole.output.shape.reduce((a, b) => a * b) }, () => next() - 0.5);

  const { graph, input, output, parameters } = whole;
  const weight = graph.constant({ type: 'float32', shape: [...output.shape], data: slope });
  const loss = graph.sum(graph.mul(output, weight), [0, 1, 2]);
  const gradients = differentiate(
    graph,
    loss,
    parameters.map(({ value }) => value),
  );
  const outputs = Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient]));
  const executable = await Executable.compile(encodeModel(graph.model({ output, ...outputs })));
  const feeds = parameters.map(({ value, data }) => [value.name, { data, shape: value.shape }] as const);
  const expected = await executable.run({
    ...Object.fromEntries(feeds),
    [input.name]: { data: image, shape: SHAPE },
  });

  const split = await trainable();
  const means = split.statistics.map(({ mean }) => mean);
  const step = await TwoPhaseStep.compile(
    split.graph,
    split.output,
    split.parameters.map(({ value }) => value),
    means,
  );
  const tensors = split.parameters.map(
    ({ value, data }) => [value.name, new Tensor('float32', data, [...value.shape])] as const,
  );
  const forward = await step.forward({
    ...Object.fromEntries(tensors),
    [split.input.name]: new Tensor('float32', image, SHAPE),
  });
  const found = await step.backward(slope);

  expect(means.every(({ name }) => forward.values[name] !== undefined)).toBe(true);
  expect(furthest(forward.output, expected.output!)).toBeLessThan(1e-4);
  found.forEach((gradient, i) => {
    const size = Math.max(1, ...expected[`g${i}`]!.map(Math.abs));
    expect(furthest(gradient, expected[`g${i}`]!) / size).toBeLessThan(1e-3);
  });
});

function furthest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
