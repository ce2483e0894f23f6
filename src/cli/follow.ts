import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgressReport } from '../training/progress-report.ts';
import { ApiError } from './client.ts';
import { CliError } from './command.ts';

/** A server that restarts is back within a minute. */
const TRIES = 60;
const PAUSE_MS = 1000;

/**
 * The reports of a training until it ends, the last one being that of its end. `open` asks for the server-sent events;
 * once it has answered, it is asked again when the connection breaks. Throws CliError.
 */
export async function* followProgress(
  open: () => Promise<Response>,
  pause: () => Promise<void> = () => sleep(PAUSE_MS),
): AsyncGenerator<ProgressReport, void> {
  let failures = 0;
  let answered = false;
  for (;;) {
    try {
      const { body } = await open();
      answered = true;
      for await (const { name, data } of readEvents(body!)) {
        failures = 0;
        yield data;
        if (name === 'end') return;
      }
    } catch (error) {
      // What the server says is final, and so is that nobody was ever there.
      if (error instanceof ApiError || !answered) throw error;
    }
    if (++failures > TRIES)
      throw new CliError('The server has gone. The training goes on when it is started.');
    await pause();
  }
}

interface Event {
  name: string;
  data: ProgressReport;
}

/** The events of this server: a name and one line of data each; comments are left out. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<Event, void> {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const event = /^event: (\w+)\ndata: (.*)$/.exec(block);
      if (event) yield { name: event[1]!, data: JSON.parse(event[2]!) };
    }
  }
}
