import protobuf from 'protobufjs';

/**
 * The part of the ONNX file format that we read and write, with the field numbers of onnx/onnx.proto
 * (github.com/onnx/onnx, IR version 10). Fields left out here are skipped on reading.
 */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message StringStringEntryProto { string key = 1; string value = 2; }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message TensorProto {
    repeated int64 dims = 1; int32 data_type = 2; repeated float float_data = 4; repeated int32 int32_data = 5;
    repeated int64 int64_data = 7; string name = 8; bytes raw_data = 9;
    repeated StringStringEntryProto external_data = 13; int32 data_location = 14;
  }
  message AttributeProto {
    string name = 1; float f = 2; int64 i = 3; bytes s = 4; TensorProto t = 5;
    repeated float floats = 7; repeated int64 ints = 8; int32 type = 20;
  }
  message NodeProto {
    repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
    repeated AttributeProto attribute = 5; string domain = 7;
  }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  message TensorShapeProto { repeated Dimension dim = 1; }
  message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
  message TypeProto { TensorTypeProto tensor_type = 1; }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message GraphProto {
    repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
  }
  message ModelProto {
    int64 ir_version = 1; string producer_name = 2; string producer_version = 3; GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8; repeated StringStringEntryProto metadata_props = 14;
  }
`);
const ModelProto = root.lookupType('ModelProto');

/** Element types by their number in TensorProto.DataType; the ones that this engine computes with. */
const DATA_TYPES = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
export type DataType = keyof typeof DATA_TYPES;
const FLOAT16 = 10;

/** A dense tensor in memory. Booleans are bytes 0 and 1. */
export interface TensorData {
  type: DataType;
  shape: number[];
  data: Float32Array | BigInt64Array | Int32Array | Uint8Array;
}

/** Attribute values: integers, lists of integers, text, one float (`{ float: 0.1 }`), or a tensor. */
export type Attribute = number | number[] | string | { float: number } | { tensor: TensorData };

export interface OnnxNode {
  type: string;
  domain?: string;
  /** Names; `''` is an optional input that isn't given. */
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

/** An input or output of a model. */
export interface OnnxValue {
  name: string;
  /** Absent: ONNX Runtime works it out. */
  tensor?: {
    type: DataType;
    /** A dimension is a size, or a name where the size is open (`'N'`). */
    shape: (number | string)[];
  };
}

export interface OnnxModel {
  /** Version of the standard operator set. */
  opset: number;
  nodes: OnnxNode[];
  initializers: Map<string, TensorData>;
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  metadata: Record<string, string>;
}

/** ONNX operator set that the engine's own nodes belong to. Later ones hold them unchanged. */
export const OPSET = 18;
/** Files of these operator sets are read. */
const OLDEST_OPSET = 13;

const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, ints: 7 };

/** The model as the bytes of an ONNX file. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const message = {
    irVersion: 8,
    producerName: 'ocellus',
    opsetImport: [
      { domain: '', version: model.opset },
      { domain: 'com.microsoft', version: 1 },
    ],
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: 'ocellus',
      node: model.nodes.map(({ type, domain = '', inputs, outputs, attributes }) => ({
        opType: type,
        domain,
        input: inputs,
        output: outputs,
        attribute: Object.entries(attributes).map(([name, value]) => encodeAttribute(name, value)),
      })),
      initializer: [...model.initializers].map(([name, tensor]) => ({ name, ...encodeTensor(tensor) })),
      input: model.inputs.map(encodeValue),
      output: model.outputs.map(encodeValue),
    },
  };
  return ModelProto.encode(message).finish();
}

function encodeAttribute(name: string, value: Attribute) {
  if (typeof value === 'number') return { name, type: ATTRIBUTE.int, i: value };
  if (typeof value === 'string') return { name, type: ATTRIBUTE.string, s: Buffer.from(value) };
  if (Array.isArray(value)) return { name, type: ATTRIBUTE.ints, ints: value };
  if ('float' in value) return { name, type: ATTRIBUTE.float, f: value.float };
  return { name, type: ATTRIBUTE.tensor, t: encodeTensor(value.tensor) };
}

function encodeTensor({ type, shape, data }: TensorData) {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dims: shape, dataType: DATA_TYPES[type], rawData };
}

function encodeValue({ name, tensor }: OnnxValue) {
  if (!tensor) return { name };
  const { type, shape } = tensor;
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: DATA_TYPES[type], shape: { dim } } } };
}

type Long = number | { toNumber(): number };
interface TensorMessage {
  name: string;
  dims: Long[];
  dataType: number;
  floatData: number[];
  int32Data: number[];
  int64Data: Long[];
  rawData: Uint8Array;
  dataLocation: number;
}
interface AttributeMessage {
  name: string;
  type: number;
  f: number;
  i: Long;
  s: Uint8Array;
  t: TensorMessage;
  ints: Long[];
}
interface ValueMessage {
  name: string;
  type?: { tensorType?: { elemType: number; shape?: { dim: { dimValue?: Long; dimParam?: string }[] } } };
}
interface ModelMessage {
  opsetImport: { domain: string; version: Long }[];
  metadataProps: { key: string; value: string }[];
  graph?: {
    node: {
      opType: string;
      domain: string;
      input: string[];
      output: string[];
      attribute: AttributeMessage[];
    }[];
    initializer: TensorMessage[];
    input: ValueMessage[];
    output: ValueMessage[];
  };
}

/**
 * Reads an ONNX file; `Constant` nodes and copies of initializers become initializers. Throws an Error that says what is wrong when the bytes
 * are not an ONNX file of operator set 13 or later, or hold something that the engine has no form for.
 */
export function decodeModel(file: Uint8Array): OnnxModel {
  const { graph, opsetImport, metadataProps } = decode(file);
  const opset = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  if (!graph || graph.node.length === 0 || !opset) throw new Error('The file is not an ONNX model');
  if (toNumber(opset.version) < OLDEST_OPSET) {
    const found = toNumber(opset.version);
    throw new Error(
      `The ONNX file uses operator set ${found}: export it with operator set ${OLDEST_OPSET} or later`,
    );
  }
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, decodeTensor(tensor)]));
  const nodes: OnnxNode[] = [];
  for (const { opType: type, domain, input, output, attribute } of graph.node) {
    const tensor = attribute.find(({ name }) => name === 'value')?.t;
    const shared = type === 'Identity' && initializers.get(input[0]!);
    if (type === 'Constant' && tensor) {
      initializers.set(output[0]!, decodeTensor(tensor));
    } else if (shared) {
      // Exporters keep equal weights once; after a training they are no longer equal.
      initializers.set(output[0]!, { ...shared, data: shared.data.slice() });
    } else {
      const attributes = Object.fromEntries(attribute.map((each) => [each.name, decodeAttribute(each)]));
      nodes.push({ type, ...(domain && { domain }), inputs: input, outputs: output, attributes });
    }
  }
  return {
    opset: toNumber(opset.version),
    nodes,
    initializers,
    inputs: graph.input.filter(({ name }) => !initializers.has(name)).map(decodeValue),
    outputs: graph.output.map(decodeValue),
    metadata: Object.fromEntries(metadataProps.map(({ key, value }) => [key, value])),
  };
}

function decode(file: Uint8Array): ModelMessage {
  try {
    return ModelProto.decode(file) as unknown as ModelMessage;
  } catch (cause) {
    throw new Error('The file is not an ONNX model', { cause });
  }
}

const toNumber = (value: Long): number => (typeof value === 'number' ? value : value.toNumber());

function decodeAttribute({ name, type, f, i, s, t, ints }: AttributeMessage): Attribute {
  if (type === ATTRIBUTE.float) return { float: f };
  if (type === ATTRIBUTE.int) return toNumber(i);
  if (type === ATTRIBUTE.string) return Buffer.from(s).toString();
  if (type === ATTRIBUTE.ints) return ints.map(toNumber);
  if (type === ATTRIBUTE.tensor) return { tensor: decodeTensor(t) };
  throw new Error(`The ONNX file has an attribute ${name} of a kind (${type}) that is not supported`);
}

function decodeValue({ name, type }: ValueMessage): OnnxValue {
  if (!type?.tensorType) return { name };
  const { elemType, shape } = type.tensorType;
  const dims = (shape?.dim ?? []).map(({ dimValue, dimParam }) =>
    dimParam ? dimParam : toNumber(dimValue ?? 0),
  );
  return { name, tensor: { type: dataTypeOf(elemType, name), shape: dims } };
}

function dataTypeOf(number: number, name: string): DataType {
  const type = (Object.keys(DATA_TYPES) as DataType[]).find((key) => DATA_TYPES[key] === number);
  if (!type) throw new Error(`${name} has element type ${number}, which is not supported: export in float32`);
  return type;
}

/** Tensors in half precision become single precision. */
function decodeTensor(tensor: TensorMessage): TensorData {
  const { name, dataType, rawData, floatData, int32Data, int64Data } = tensor;
  if (tensor.dataLocation !== 0)
    throw new Error(`${name} lies in another file: export with all weights in one file`);
  const shape = tensor.dims.map(toNumber);
  // A copy: typed arrays need aligned bytes.
  const { buffer } = Uint8Array.from(rawData);
  const raw = rawData.length > 0;
  if (dataType === FLOAT16)
    return { type: 'float32', shape, data: Float32Array.from(new Float16Array(buffer)) };
  const type = dataTypeOf(dataType, name);
  const data = {
    float32: () => (raw ? new Float32Array(buffer) : Float32Array.from(floatData)),
    int64: () =>
      raw ? new BigInt64Array(buffer) : BigInt64Array.from(int64Data, (n) => BigInt(toNumber(n))),
    int32: () => (raw ? new Int32Array(buffer) : Int32Array.from(int32Data)),
    bool: () => (raw ? new Uint8Array(buffer) : Uint8Array.from(int32Data)),
  }[type]();
  if (data.length !== shape.reduce((product, n) => product * n, 1)) {
    throw new Error(`${name} holds ${data.length} values for the shape [${shape}]`);
  }
  return { type, shape, data };
}

/** The metadata of an ONNX file. Throws when it isn't one. */
export function readMetadata(file: Uint8Array): Record<string, string> {
  return Object.fromEntries(decode(file).metadataProps.map(({ key, value }) => [key, value]));
}
