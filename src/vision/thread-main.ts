import { on } from 'node:events';
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { Ask } from './thread.ts';

// What runs in the threads that thread.ts starts: one generator, a value each time that one is asked for.
// ONNX Runtime's threads wait for each other, so one of them that is held up holds up all: they come first. Linux alone has priorities of
// threads; elsewhere this would be the whole process's.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW);
const { module, order } = workerData;
const { default: generate } = await import(module);
const asked = on(parentPort!, 'message');
for await (const value of generate(order) as AsyncIterable<object>) {
  const { value: said } = await asked.next();
  const ask: Ask = said![0];
  if (ask === 'stop') break;
  const parts: unknown[] = Object.values(value);
  parentPort!.postMessage(
    value,
    parts.flatMap((part) => (ArrayBuffer.isView(part) ? [part.buffer as ArrayBuffer] : [])),
  );
}
parentPort!.close();
