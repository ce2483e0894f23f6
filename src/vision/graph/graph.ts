import { nodesFor } from '../needed.ts';
import type { Attribute, DataType, OnnxModel, OnnxValue, TensorData } from './onnx.ts';
import { OPSET } from './onnx.ts';
import { operatorOf } from './operators.ts';

/** The result of a node, an input or a constant. Shapes are always fully known. */
export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
}

export interface Node {
  readonly type: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export type Attributes = Readonly<Record<string, Attribute>>;

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/**
 * Builds an ONNX graph node by node. Every node's operator must be in the operator table, which gives the
 * shape of its outputs; `differentiate` adds gradient nodes to the same graph.
 */
export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly constants = new Map<Value, TensorData>();
  /** Operator set of the nodes, at least {@link OPSET}. */
  readonly opset: number;
  #names = 0;

  constructor(opset = OPSET) {
    this.opset = Math.max(OPSET, opset);
  }

  input(name: string, shape: readonly number[], type: DataType = 'float32'): Value {
    const value: Value = { name, type, shape };
    this.inputs.push(value);
    return value;
  }

  constant(tensor: TensorData): Value {
    const value: Value = { name: `c${this.#names++}`, type: tensor.type, shape: tensor.shape };
    this.constants.set(value, tensor);
    return value;
  }

  scalar(value: number): Value {
    return this.constant({ type: 'float32', shape: [], data: Float32Array.of(value) });
  }

  /** A constant list of integers, as shapes, axes and pads are given. */
  ints(values: readonly number[]): Value {
    return this.constant({ type: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  /** The numbers of a constant. Throws when the value isn't a constant: shapes must be known while building. */
  numbersOf(value: Value): number[] {
    const tensor = this.constants.get(value);
    if (!tensor) throw new Error(`${value.name} must be a constant`);
    return Array.from(tensor.data, Number);
  }

  /** Adds a node and returns all its outputs. Throws when the operator isn't in the table. */
  add(type: string, inputs: readonly Value[], attributes: Attributes = {}): Value[] {
    const operator = operatorOf(type);
    const types = operator.types ?? [];
    const outputs = operator.shape(this, inputs, attributes).map((shape, i): Value => {
      return { name: `v${this.#names++}`, type: types[i] ?? inputs[0]!.type, shape };
    });
    this.nodes.push({ type, inputs, outputs, attributes });
    return outputs;
  }

  /** Adds a node and returns its first output. */
  op(type: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.add(type, inputs, attributes)[0]!;
  }

  /** The node whose first output a value is; undefined for inputs and constants. */
  producerOf(x: Value): Node | undefined {
    return this.nodes.findLast(({ outputs }) => outputs[0] === x);
  }

  mul(a: Value, b: Value | number): Value {
    return this.op('Mul', [a, typeof b === 'number' ? this.scalar(b) : b]);
  }

  reshape(x: Value, shape: readonly number[]): Value {
    return this.op('Reshape', [x, this.ints(shape)]);
  }

  /** Axes in another order. Of a value that is a transposition itself, the two become one, or none where they undo each other. */
  transpose(x: Value, perm: number[]): Value {
    const before = this.producerOf(x);
    if (before?.type !== 'Transpose') return this.op('Transpose', [x], { perm });
    const composed = perm.map((axis) => (before.attributes.perm as number[])[axis]!);
    const [source] = before.inputs as [Value];
    const isSame = composed.every((axis, i) => axis === i);
    return isSame ? source : this.op('Transpose', [source], { perm: composed });
  }

  /** Sum over axes. With `keepdims` the axes stay with size 1. */
  sum(x: Value, axes: readonly number[], keepdims = false): Value {
    return this.op('ReduceSum', [x, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }

  /** Mean over axes, which stay with size 1. */
  mean(x: Value, axes: readonly number[]): Value {
    return this.op('ReduceMean', [x, this.ints(axes)], { keepdims: 1 });
  }

  /**
   * The model that computes the named outputs, with only the nodes, constants and inputs that they need.
   * `shapes` declares other shapes for inputs and outputs by name, for example with an open dimension (`'N'`); the
   * graph must then hold for them, which a graph with fixed reshapes doesn't.
   */
  model(outputs: Record<string, Value>, shapes: Record<string, (number | string)[]> = {}): OnnxModel {
    const nodes = nodesFor(Object.values(outputs), this.nodes);
    const needed = new Set([...Object.values(outputs), ...nodes.flatMap(({ inputs }) => inputs)]);
    const describe = ({ type, shape }: Value, name: string): OnnxValue => ({
      name,
      tensor: { type, shape: shapes[name] ?? [...shape] },
    });
    const names = (values: readonly Value[]) => values.map((value) => value.name);
    const identities = Object.entries(outputs).map(([name, value]) => ({
      type: 'Identity',
      inputs: [value.name],
      outputs: [name],
      attributes: {},
    }));
    const constants = [...this.constants].filter(([value]) => needed.has(value));
    return {
      opset: this.opset,
      nodes: [
        ...nodes.map(({ type, inputs, outputs: produced, attributes }) => ({
          type,
          inputs: names(inputs),
          outputs: names(produced),
          attributes: { ...attributes },
        })),
        ...identities,
      ],
      initializers: new Map(constants.map(([value, tensor]) => [value.name, tensor])),
      inputs: this.inputs.filter((value) => needed.has(value)).map((value) => describe(value, value.name)),
      outputs: Object.entries(outputs).map(([name, value]) => describe(value, name)),
      metadata: {},
    };
  }
}
