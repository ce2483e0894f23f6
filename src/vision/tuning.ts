import type { AugmentOptions } from './augment.ts';
import type { Backbone } from './backbone.ts';
import type { Recipe } from './fit.ts';
import type { OnnxModel, OnnxNode } from './graph/onnx.ts';
import type { Head } from './head.ts';

export const AUGMENT: AugmentOptions = { minimumArea: 0.4, ratio: 4 / 3, light: 0.2, mirror: true };

/** How fine-tuning learns. */
export const RECIPE: Omit<Recipe, 'views'> = {
  batch: 32,
  mixing: 0,
  learningRate: 2e-3,
  warmup: 0.1,
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.05 },
  labelSmoothing: 0.1,
  maximumNorm: 5,
  statisticsDecay: 0.9,
  weightsDecay: 0.99,
};

/** Learning rate of the backbone's weights, as a share of the head's. */
const BACKBONE_RATE = 0.25;

/** Names of the head's tensors in a network. */
const HEAD = { weights: 'head.weights', bias: 'head.bias' };

/** A weight's factor of the learning rate. */
export function rateOf(weight: string): number {
  return Object.values(HEAD).includes(weight) ? 1 : BACKBONE_RATE;
}

/** Appends the head: from `features` to `logits`. */
export function withHead(model: OnnxModel, { weights, bias }: Head): OnnxModel {
  const node: OnnxNode = {
    type: 'Gemm',
    inputs: ['features', HEAD.weights, HEAD.bias],
    outputs: ['logits'],
    attributes: { transA: 0, transB: 1 },
  };
  const shape = [bias.length, weights.length / bias.length];
  return {
    ...model,
    nodes: [...model.nodes, node],
    initializers: new Map([
      ...model.initializers,
      [HEAD.weights, { type: 'float32', shape, data: weights.slice() }],
      [HEAD.bias, { type: 'float32', shape: [bias.length], data: bias.slice() }],
    ]),
    outputs: [{ name: 'logits' }],
  };
}

/** Appends a head that says nothing yet. */
export function withFreshHead(
  { model, width }: Pick<Backbone, 'model' | 'width'>,
  labels: number,
): OnnxModel {
  return withHead(model, { weights: new Float32Array(labels * width), bias: new Float32Array(labels) });
}
