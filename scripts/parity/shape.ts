// The shapes of the API as its documentation gives them, typed in on their own: the server's shapes in
// src/operations are tested against these, the responses are read by these, and docs/PARITY.md lists these.

export interface StringShape {
  kind: 'string';
  minimum?: number;
  maximum?: number;
  pattern?: string;
}
export interface EnumShape {
  kind: 'enum';
  values: string[];
}
export interface NumberShape {
  kind: 'integer' | 'long' | 'float';
  minimum?: number;
  maximum?: number;
}
export interface BlobShape {
  kind: 'blob';
  minimum: number;
  maximum: number;
}
export interface PlainShape {
  kind: 'boolean' | 'timestamp';
}
export interface ListShape {
  kind: 'list';
  element: Shape;
  minimum?: number;
  maximum?: number;
}
/** Of strings to strings. */
export interface MapShape {
  kind: 'map';
  key: StringShape;
  value: StringShape;
  maximum: number;
}
export interface StructureShape {
  kind: 'structure';
  members: Members;
}
export type Shape = (
  | StringShape
  | EnumShape
  | NumberShape
  | BlobShape
  | PlainShape
  | ListShape
  | MapShape
  | StructureShape
) & { required?: true };
export type Members = Record<string, Shape>;

export interface OperationShape {
  request: Members;
  response: Members;
  /** Beside those of every operation. */
  errors: string[];
}

export const string = (minimum?: number, maximum?: number, pattern?: string): StringShape => ({
  kind: 'string',
  minimum,
  maximum,
  pattern,
});
export const oneOf = (...values: string[]): EnumShape => ({ kind: 'enum', values });
export const integer = (minimum?: number, maximum?: number): NumberShape => ({
  kind: 'integer',
  minimum,
  maximum,
});
export const long = (minimum?: number): NumberShape => ({ kind: 'long', minimum });
export const float = (minimum?: number, maximum?: number): NumberShape => ({
  kind: 'float',
  minimum,
  maximum,
});
export const blob = (minimum: number, maximum: number): BlobShape => ({ kind: 'blob', minimum, maximum });
export const boolean: PlainShape = { kind: 'boolean' };
export const timestamp: PlainShape = { kind: 'timestamp' };
export const list = (element: Shape, minimum?: number, maximum?: number): ListShape => ({
  kind: 'list',
  element,
  minimum,
  maximum,
});
export const structure = (members: Members): StructureShape => ({ kind: 'structure', members });
export const required = <T extends Shape>(shape: T): T & { required: true } => ({ ...shape, required: true });
