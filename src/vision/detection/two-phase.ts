import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { differentiate } from '../graph/differentiate.ts';
import type { Graph, Node, Value } from '../graph/graph.ts';
import { encodeModel, type OnnxModel } from '../graph/onnx.ts';
import { nodesFor } from '../needed.ts';
import { openSession } from '../session.ts';

type Feeds = Record<string, Tensor>;

/**
 * A training step in two runs, for a loss that is computed outside the graph: the first gives the output, the second takes the
 * loss's gradient by that output and gives the gradients by the parameters. What the second needs of the first stays
 * in ONNX Runtime's tensors, so that nothing is computed twice.
 */
export class TwoPhaseStep {
  readonly #forward: InferenceSession;
  readonly #backward: InferenceSession;
  readonly #gradients: string[];
  readonly #output: Value;
  readonly #slope: Value;
  #saved: Feeds = {};

  private constructor(
    forward: InferenceSession,
    backward: InferenceSession,
    output: Value,
    slope: Value,
    gradients: string[],
  ) {
    this.#forward = forward;
    this.#backward = backward;
    this.#output = output;
    this.#slope = slope;
    this.#gradients = gradients;
  }

  /** `also`: further values to compute in the first run. Throws when an operator on the way has no derivative rule. */
  static async compile(
    graph: Graph,
    output: Value,
    parameters: readonly Value[],
    also: readonly Value[],
  ): Promise<TwoPhaseStep> {
    // A sum whose gradient by the output is the one that is given.
    const slope = graph.input('slope', output.shape);
    const axes = output.shape.map((_, axis) => axis);
    const gradients = differentiate(graph, graph.sum(graph.mul(output, slope), axes), parameters);
    const first = nodesFor([output, ...also], graph.nodes);
    const second = nodesFor(gradients, graph.nodes).filter((node) => !first.includes(node));
    const computed = new Set(first.flatMap(({ outputs }) => outputs));
    const passed = new Set([...second.flatMap(({ inputs }) => inputs), ...gradients]);
    const saved = [...computed].filter((value) => passed.has(value));
    const forward = toModel(graph, first, [...new Set([output, ...also, ...saved])]);
    const backward = toModel(graph, second, [...new Set(gradients)]);
    return new TwoPhaseStep(
      await openSession(encodeModel(forward)),
      await openSession(encodeModel(backward)),
      output,
      slope,
      gradients.map(({ name }) => name),
    );
  }

  /** The first run. Returns the output, and every other value by name. */
  async forward(feeds: Feeds): Promise<{ output: Float32Array; values: Record<string, Float32Array> }> {
    const results = (await this.#forward.run(pick(this.#forward, feeds))) as Feeds;
    this.#saved = { ...feeds, ...results };
    const values = Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]);
    return { output: results[this.#output.name]!.data as Float32Array, values: Object.fromEntries(values) };
  }

  /** The second run: the gradients by the parameters, in their order. */
  async backward(slope: Float32Array): Promise<Float32Array[]> {
    const feeds = {
      ...this.#saved,
      [this.#slope.name]: new Tensor('float32', slope, this.#slope.shape as number[]),
    };
    this.#saved = {};
    const results = await this.#backward.run(pick(this.#backward, feeds));
    return this.#gradients.map((name) => results[name]!.data as Float32Array);
  }

  async release(): Promise<void> {
    await this.#forward.release();
    await this.#backward.release();
  }
}

const pick = (session: InferenceSession, feeds: Feeds): Feeds =>
  Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!]));

/** A model of some nodes; what none of them computes is an input or a constant. */
function toModel(graph: Graph, nodes: readonly Node[], outputs: readonly Value[]): OnnxModel {
  const computed = new Set(nodes.flatMap((node) => node.outputs));
  const used = [...new Set(nodes.flatMap(({ inputs }) => inputs))].filter((value) => !computed.has(value));
  const describe = ({ name, type, shape }: Value) => ({ name, tensor: { type, shape: [...shape] } });
  return {
    opset: graph.opset,
    nodes: nodes.map(({ type, inputs, outputs: made, attributes }) => ({
      type,
      inputs: inputs.map(({ name }) => name),
      outputs: made.map(({ name }) => name),
      attributes: { ...attributes },
    })),
    initializers: new Map(
      used.flatMap((value) => {
        const tensor = graph.constants.get(value);
        return tensor ? [[value.name, tensor] as const] : [];
      }),
    ),
    inputs: used.filter((value) => !graph.constants.has(value)).map(describe),
    outputs: outputs.map(describe),
    metadata: {},
  };
}
