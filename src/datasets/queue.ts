/** A place in the queue of one or more data sets. */
export interface Turn {
  /** Resolves when all who came earlier are done. */
  begun: Promise<void>;
  /** Lets the next one begin. */
  done(): void;
}

/**
 * Who works on a data set's entries waits for whoever came before: who reads them, to copy or to train from them,
 * reads them as they were when he came, since changes that are asked for later wait.
 */
export class DatasetQueue {
  readonly #last = new Map<number, Promise<void>>();

  /** Queues up for all of the data sets at once. The place is taken when this returns. */
  enter(ids: number[]): Turn {
    const before = Promise.all(ids.map((id) => this.#last.get(id)));
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = before.then(() => promise);
    for (const id of ids) this.#last.set(id, ended);
    const forget = () => {
      for (const id of ids) if (this.#last.get(id) === ended) this.#last.delete(id);
    };
    void ended.then(forget);
    return { begun: before.then(() => {}), done: resolve };
  }
}
