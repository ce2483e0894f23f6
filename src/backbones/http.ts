import { BackboneError } from './error.ts';

const REDIRECTS = 5;
const REDIRECT_STATUS = new Set([301, 302, 303, 307, 308]);

/** Ends a request on which nothing has moved for a while; `alive` says that something has. */
export class Patience {
  readonly #milliseconds: number;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.alive();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  alive(): void {
    clearTimeout(this.#timer);
    const reason = new Error(`nothing came for ${this.#milliseconds / 1000} seconds`);
    this.#timer = setTimeout(() => this.#controller.abort(reason), this.#milliseconds);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * GET over http or https. Follows five redirects at most, and none from https to http. Throws BackboneError where it
 * won't ask, and Errors with the network's own messages.
 */
export async function request(
  address: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  let url = address;
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const response = await fetch(url, {
      // Ranges and lengths are of the file itself.
      headers: { ...headers, 'accept-encoding': 'identity' },
      redirect: 'manual',
      signal,
    }).catch((error) => {
      // Of fetch's own errors only the cause says what happened.
      throw signal.aborted ? signal.reason : ((error as Error).cause ?? error);
    });
    const location = response.headers.get('location');
    if (!REDIRECT_STATUS.has(response.status) || location === null) return response;
    await response.body?.cancel();
    url = redirected(url, location);
  }
  throw new BackboneError(`${address} redirects more than ${REDIRECTS} times.`);
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to?.protocol === 'https:' || (to?.protocol === 'http:' && from.protocol === 'http:')) return to;
  throw new BackboneError(`${from} redirects to ${location}, which is not followed.`);
}
