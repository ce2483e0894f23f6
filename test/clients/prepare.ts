import { buildGo, buildRust } from './build.ts';
import { pythonTools } from './python.ts';

/** Puts in place what the clients need, once before all tests, for as long as it takes. */
export default async function prepare(): Promise<void> {
  await Promise.all([pythonTools(), buildGo(), buildRust()]);
}
