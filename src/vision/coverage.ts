import type { Backbone } from './backbone.ts';
import { differentiate } from './graph/differentiate.ts';
import { makeTrainable } from './graph/trainable.ts';

/**
 * Why a backbone can only be used frozen: a sentence that names the operator which the operator table lacks.
 * Undefined when it can be fine-tuned. Builds the graph of a training step, but runs nothing.
 */
export async function fineTuningGap({ model, inputSize }: Backbone): Promise<string | undefined> {
  try {
    const { graph, output, parameters } = await makeTrainable(model, [2, 3, inputSize, inputSize]);
    const loss = graph.op('ReduceMean', [output, graph.ints([0, 1])], { keepdims: 0 });
    const weights = parameters.map(({ value }) => value);
    differentiate(graph, loss, weights);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
