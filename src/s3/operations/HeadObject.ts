import type { Answer, Call } from '../call.ts';
import { readObject } from '../read.ts';

/** What GetObject would answer; the server leaves the body of every HEAD request away. */
export async function HeadObject(call: Call): Promise<Answer> {
  return await readObject(call);
}
