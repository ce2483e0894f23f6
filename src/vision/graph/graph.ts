import { type Attribute, type DataType, encodeModel, type OnnxValue, type TensorData } from './onnx.ts';
import { operatorOf } from './operators.ts';

/** The result of a node, an input or a constant. Shapes are always fully known. */
export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly producer?: Node;
}

export interface Node {
  readonly type: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

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
  #names = 0;

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

  /** The integers of a constant. Throws when the value isn't a constant: shapes must be known while building. */
  intsOf(value: Value): number[] {
    const tensor = this.constants.get(value);
    if (!tensor) throw new Error(`${value.name} must be a constant`);
    return Array.from(tensor.data, Number);
  }

  /** Adds a node and returns all its outputs. Throws when the operator isn't in the table. */
  add(type: string, inputs: readonly Value[], attributes: Record<string, Attribute> = {}): Value[] {
    const shapes = operatorOf(type).shape(this, inputs, attributes);
    const node: Node = { type, inputs, outputs: [], attributes };
    for (const shape of shapes) {
      const elementType = type === 'Shape' ? 'int64' : (inputs[0]?.type ?? 'float32');
      (node.outputs as Value[]).push({ name: `v${this.#names++}`, type: elementType, shape, producer: node });
    }
    this.nodes.push(node);
    return [...node.outputs];
  }

  /** Adds a node and returns its first output. */
  op(type: string, inputs: readonly Value[], attributes: Record<string, Attribute> = {}): Value {
    return this.add(type, inputs, attributes)[0]!;
  }

  reshape(x: Value, shape: readonly number[]): Value {
    return this.op('Reshape', [x, this.ints(shape)]);
  }

  transpose(x: Value, perm: number[]): Value {
    return this.op('Transpose', [x], { perm });
  }

  /** Sum over axes. With `keepdims` the axes stay with size 1. */
  sum(x: Value, axes: readonly number[], keepdims = false): Value {
    return this.op('ReduceSum', [x, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }

  /**
   * The ONNX file that computes the named outputs, with only the nodes, constants and inputs that they need.
   * `shapes` declares other shapes for inputs and outputs by name, for example with an open dimension (`'N'`); the
   * graph must then hold for them, which a graph with fixed reshapes doesn't.
   */
  encode(
    outputs: Record<string, Value>,
    {
      shapes = {},
      metadata = {},
    }: { shapes?: Record<string, (number | string)[]>; metadata?: Record<string, string> } = {},
  ): Uint8Array {
    const needed = new Set<Value>(Object.values(outputs));
    const nodes = this.nodes
      .toReversed()
      .filter((node) => {
        if (!node.outputs.some((output) => needed.has(output))) return false;
        for (const input of node.inputs) needed.add(input);
        return true;
      })
      .reverse();
    const describe = (value: Value, name: string): OnnxValue => ({
      name,
      type: value.type,
      shape: shapes[name] ?? [...value.shape],
    });
    const outputNodes = Object.entries(outputs).map(([name, value]) => ({
      type: 'Identity',
      inputs: [value.name],
      outputs: [name],
      attributes: {},
    }));
    const names = (values: readonly Value[]) => values.map((value) => value.name);
    return encodeModel({
      nodes: [
        ...nodes.map(({ inputs, outputs: produced, ...rest }) => ({
          ...rest,
          inputs: names(inputs),
          outputs: names(produced),
        })),
        ...outputNodes,
      ],
      initializers: new Map(
        [...this.constants]
          .filter(([value]) => needed.has(value))
          .map(([value, tensor]) => [value.name, tensor]),
      ),
      inputs: this.inputs.filter((value) => needed.has(value)).map((value) => describe(value, value.name)),
      outputs: Object.entries(outputs).map(([name, value]) => describe(value, name)),
      metadata,
    });
  }
}
