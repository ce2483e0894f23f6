import type { Attributes, Graph, Node, Value } from './graph.ts';
import type { DataType } from './onnx.ts';
import { activation } from './operators/activation.ts';
import { convolution } from './operators/convolution.ts';
import { elementwise } from './operators/elementwise.ts';
import { layout } from './operators/layout.ts';
import { linear } from './operators/linear.ts';
import { normalization } from './operators/normalization.ts';
import { pooling } from './operators/pooling.ts';
import { reduction } from './operators/reduction.ts';

/** What the engine knows of one ONNX operator (opset 18). */
export interface Operator {
  /** Shapes of the outputs. */
  shape(g: Graph, inputs: readonly Value[], attributes: Attributes): (readonly number[])[];
  /** Types of the outputs where they differ from the first input's. */
  types?: (DataType | undefined)[];
  /**
   * Gradients by each input, given the gradient `dy` by the first output; undefined where there is none
   * (axes, shapes, running statistics). Operators without this rule only occur outside the trained path.
   */
  gradient?(g: Graph, node: Node, dy: Value): (Value | undefined)[];
}

/** The operator table. */
export const operators: Record<string, Operator> = {
  ...elementwise,
  ...activation,
  ...linear,
  ...convolution,
  ...pooling,
  ...normalization,
  ...reduction,
  ...layout,
};

/** Looks an operator up. Throws an Error that names it when the table has none of that name. */
export function operatorOf(type: string): Operator {
  const operator = Object.hasOwn(operators, type) ? operators[type] : undefined;
  if (!operator) throw new Error(`The operator ${type} is not in the operator table`);
  return operator;
}
