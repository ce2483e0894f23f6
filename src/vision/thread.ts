import { EventEmitter, on, once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** `thread-main.ts` here, `thread-main.js` in the published package. */
const PROGRAM = new URL(`./thread-main${extname(import.meta.url)}`, import.meta.url);
/** Values that are made before they are taken: ONNX Runtime keeps the main thread from asking for the next one in time. */
const AHEAD = 2;

/** What the main thread says to the other one. */
export type Ask = 'next' | 'stop';

/**
 * The values of an async generator, the default export of the module at a URL, which runs in a thread of its own and is a little ahead.
 * Its argument and its values are copied between the threads; typed arrays that are members of a value are handed over.
 * Throws what the generator throws. When no more values are taken, it is ended and cleans up after itself.
 */
export async function* inThread<Order, Value>(module: string, order: Order): AsyncGenerator<Value, void> {
  const worker = new Worker(PROGRAM, { workerData: { module, order } });
  const ask = (what: Ask) => worker.postMessage(what);
  let code: number | undefined;
  let failure: unknown;
  // The thread's error may overtake its last values, and would end an iteration over the worker's own events: it waits for the exit here.
  const heard = new EventEmitter();
  worker.on('message', (value) => heard.emit('message', value));
  worker.once('error', (error) => {
    failure = error;
  });
  worker.once('exit', (exit) => {
    code = exit;
    heard.emit('exit');
  });
  const values = on(heard, 'message', { close: ['exit'] });
  try {
    for (let i = 0; i < AHEAD; i++) ask('next');
    for await (const [value] of values) {
      ask('next');
      yield value;
    }
    if (failure) throw failure;
    // Half of the batches must not pass for all of them.
    if (code !== 0) throw new Error(`The thread of ${module} ended with ${code}`);
  } finally {
    if (code === undefined) {
      ask('stop');
      await once(worker, 'exit');
    }
  }
}
