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
    repeated int64 int64_data = 7; string name = 8; bytes raw_data = 9; repeated double double_data = 10;
    repeated StringStringEntryProto external_data = 13; int32 data_location = 14;
  }
  message AttributeProto {
    string name = 1; float f = 2; int64 i = 3; bytes s = 4; TensorProto t = 5;
    repeated float floats = 7; repeated int64 ints = 8; repeated bytes strings = 9; int32 type = 20;
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
const DATA_TYPES = { float32: 1, int64: 7 } as const;
export type DataType = keyof typeof DATA_TYPES;

/** A dense tensor in memory. */
export interface TensorData {
  type: DataType;
  shape: number[];
  data: Float32Array | BigInt64Array;
}

/** Attribute values: integers, lists of integers, text, lists of numbers or one float (`{ float: 0.1 }`). */
export type Attribute = number | number[] | string | { float: number };

export interface OnnxNode {
  type: string;
  domain?: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

/** A dimension is a size, or a name where the size is open (`'N'`). */
export interface OnnxValue {
  name: string;
  type: DataType;
  shape: (number | string)[];
}

export interface OnnxModel {
  nodes: OnnxNode[];
  initializers: Map<string, TensorData>;
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  metadata: Record<string, string>;
}

/** ONNX operator set that we write. */
export const OPSET = 18;

const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 };

/** The model as the bytes of an ONNX file. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const message = {
    irVersion: 8,
    producerName: 'ocellus',
    opsetImport: [
      { domain: '', version: OPSET },
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
      initializer: [...model.initializers].map(([name, { type, shape, data }]) => ({
        name,
        dims: shape,
        dataType: DATA_TYPES[type],
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
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
  return { name, type: ATTRIBUTE.float, f: value.float };
}

function encodeValue({ name, type, shape }: OnnxValue) {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: DATA_TYPES[type], shape: { dim } } } };
}

interface DecodedModel {
  metadataProps: { key: string; value: string }[];
}

/** Throws an Error when the bytes are not an ONNX file. */
function decode(file: Uint8Array): protobuf.Message & DecodedModel {
  try {
    return ModelProto.decode(file) as protobuf.Message & DecodedModel;
  } catch (cause) {
    throw new Error('The file is not an ONNX model', { cause });
  }
}

/** The metadata of an ONNX file. Throws when it isn't one. */
export function readMetadata(file: Uint8Array): Record<string, string> {
  return Object.fromEntries(decode(file).metadataProps.map(({ key, value }) => [key, value]));
}

/** The same ONNX file with its metadata replaced. Fields outside our part of the format are lost. */
export function writeMetadata(file: Uint8Array, metadata: Record<string, string>): Uint8Array {
  const model = decode(file);
  model.metadataProps = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  return ModelProto.encode(model).finish();
}
