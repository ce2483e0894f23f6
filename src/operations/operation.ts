import type { z } from 'zod';
import type { Config } from '../config.ts';
import type { ObjectStore } from '../objects/objects.ts';

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
  // store, trainings, models: added with the modules that define them.
}

export interface Context extends Services {
  caller: Caller;
}

/**
 * One API operation. `input` says the shape; the compiler holds it and `handle`'s answer against the
 * types of `@aws-sdk/client-rekognition` (see `defineOperation`). Handlers throw ServiceError.
 */
export interface Operation<Input = unknown, Output = unknown> {
  name: string;
  input: z.ZodType<Input>;
  handle(input: Input, context: Context): Promise<Output>;
}
