import type * as sdk from '@aws-sdk/client-rekognition';
import type { z } from 'zod';
import type { InstalledBackbone } from '../backbones/library.ts';
import type { Config } from '../config.ts';
import type { DatasetJobs } from '../datasets/jobs.ts';
import type { DatasetQueue } from '../datasets/queue.ts';
import type { ObjectStore } from '../objects/objects.ts';
import type { Models } from '../serving/models.ts';
import type { VersionFolders } from '../store/folders.ts';
import type { PageTokens } from '../store/pages.ts';
import type { Database } from '../store/schema.ts';
import type { Copies } from '../training/copies.ts';
import type { Trainings } from '../training/supervisor.ts';

/** Who calls, for which account and Region. The Region is the one of the signature's credential scope. */
export interface Caller {
  /** IAM ARN of the principal. */
  arn: string;
  account: string;
  region: string;
}

/** What an operation works with. One per server; requests add the caller. */
export interface Services {
  config: Config;
  objects: ObjectStore;
  database: Database;
  pageTokens: PageTokens;
  folders: VersionFolders;
  /** What new trainings start from; fresh weights when absent. */
  backbone?: InstalledBackbone;
  datasets: DatasetJobs;
  datasetQueue: DatasetQueue;
  trainings: Trainings;
  copies: Copies;
  models: Models;
}

export interface Context extends Services {
  caller: Caller;
}

/**
 * One API operation. `input` says the shape; absent optional members are undefined, blobs are Buffers.
 * `handle` answers with the response's members (timestamps as Dates, undefined ones are left out) or
 * throws ServiceError.
 */
export interface Operation<Input = unknown, Answer extends object = object> {
  name: OperationName;
  input: z.ZodType<Input>;
  handle(input: Input, context: Context): Promise<Answer>;
}

type Sdk = typeof sdk;

/** The operations that the SDK knows; a misspelt name doesn't compile. */
export type OperationName = {
  [Key in keyof Sdk]: Key extends `${infer Name}Command`
    ? Sdk[Key] extends CommandClass
      ? Name
      : never
    : never;
}[keyof Sdk];

type CommandClass = abstract new (...args: never) => { resolveMiddleware(...args: never): unknown };

type CommandOf<Name extends OperationName> = `${Name}Command` extends infer Key extends keyof Sdk
  ? Sdk[Key] extends abstract new (
      ...args: never
    ) => infer Command
    ? Command
    : never
  : never;

/** The request of an operation, as the SDK types it. */
export type RequestOf<Name extends OperationName> =
  CommandOf<Name> extends { input: infer Input } ? Input : never;

/** The response of an operation, as the SDK types it. */
export type ResponseOf<Name extends OperationName> =
  CommandOf<Name> extends {
    resolveMiddleware(...args: never): (...args: never) => Promise<{ output: infer Output }>;
  }
    ? Omit<Output, '$metadata'>
    : never;

/** A type with every member at every depth required, so that assignability compares the members too. */
type Full<T> = T extends string | number | boolean | Date | undefined
  ? T
  : T extends Uint8Array
    ? 'blob'
    : T extends (infer Element)[]
      ? Full<Element>[]
      : { [Key in keyof T]-?: Full<Exclude<T[Key], undefined>> };

type Same<A, B> = [A, B] extends [B, A] ? true : false;

/** `unknown` when the schema has exactly the request's members, at every depth and of the same types. */
type InputCheck<Input, Name extends OperationName> =
  Same<Full<Input>, Full<RequestOf<Name>>> extends true
    ? unknown
    : { 'the members differ from the SDK’s': RequestOf<Name> };

/** Members of Answer, at any depth, that Expected lacks. */
type Foreign<Answer, Expected> = Answer extends string | number | boolean | Date | Uint8Array | undefined
  ? never
  : Answer extends (infer Element)[]
    ? Foreign<Element, Exclude<Expected, undefined> extends (infer Other)[] ? Other : never>
    : {
        [Key in keyof Answer & string]: Key extends keyof Exclude<Expected, undefined>
          ? Foreign<Answer[Key], Exclude<Expected, undefined>[Key]>
          : Key;
      }[keyof Answer & string];

type AnswerCheck<Answer, Name extends OperationName> = [Foreign<Answer, ResponseOf<Name>>] extends [never]
  ? unknown
  : { 'the SDK’s response has no member': Foreign<Answer, ResponseOf<Name>> };

/** Every top-level member is written down, if only as undefined: none is forgotten. */
type Written<T> = { [Key in keyof Required<T>]: T[Key] | undefined };

/**
 * Defines an operation. Its input schema and its handler's answer are held against the types of
 * `@aws-sdk/client-rekognition`: a wrong, missing or misspelt member doesn't compile.
 */
export function defineOperation<
  Name extends OperationName,
  Schema extends z.ZodType<object>,
  Handle extends (input: z.output<Schema>, context: Context) => Promise<Written<ResponseOf<Name>>>,
>(operation: {
  name: Name;
  input: Schema & InputCheck<z.output<Schema>, Name>;
  handle: Handle & AnswerCheck<Awaited<ReturnType<Handle>>, Name>;
}): Operation<z.output<Schema>, Awaited<ReturnType<Handle>>> {
  return operation as Operation<z.output<Schema>, Awaited<ReturnType<Handle>>>;
}
