import type { Answer, Call } from '../call.ts';
import { readObject } from '../read.ts';

/** Whole, a range or a part; of the newest version or of any. */
export async function GetObject(call: Call): Promise<Answer> {
  return await readObject(call);
}
