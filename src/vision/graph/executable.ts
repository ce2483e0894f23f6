import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { openSession } from '../session.ts';

/** A tensor given to a graph. The data is read in place: nothing is copied. */
export interface Feed {
  data: Float32Array;
  shape: readonly number[];
}

/** An ONNX graph that ONNX Runtime has made ready to run. Throws Errors with ONNX Runtime's own messages. */
export class Executable {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async compile(file: Uint8Array): Promise<Executable> {
    return new Executable(await openSession(file));
  }

  /** Runs the graph on float tensors, by input name, and returns every output by name. */
  async run(feeds: Record<string, Feed>): Promise<Record<string, Float32Array>> {
    const results = await this.#session.run(toTensors(feeds));
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float32Array]),
    );
  }

  /** The shapes of the outputs for such inputs, found by running the graph. */
  async shapes(feeds: Record<string, Feed>): Promise<Record<string, readonly number[]>> {
    const results = await this.#session.run(toTensors(feeds));
    return Object.fromEntries(Object.entries(results).map(([name, { dims }]) => [name, dims]));
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

function toTensors(feeds: Record<string, Feed>): Record<string, Tensor> {
  const tensors = Object.entries(feeds).map(([name, { data, shape }]) => {
    return [name, new Tensor('float32', data, shape)] as const;
  });
  return Object.fromEntries(tensors);
}
