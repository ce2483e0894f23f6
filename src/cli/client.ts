import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { OperationName, RequestOf, ResponseOf } from '../operations/operation.ts';
import { CliError } from './command.ts';
import { type Connection, connect } from './connection.ts';

/** A member as JSON has it: timestamps are epoch seconds, blobs base64. */
export type Wire<T> = T extends Date
  ? number
  : T extends Uint8Array
    ? string
    : T extends (infer Element)[]
      ? Wire<Element>[]
      : T extends object
        ? { [Key in keyof T]: Wire<T[Key]> }
        : T;

/** What the server refused, in its own words, and what can be done. `code` is the API's. */
export class ApiError extends CliError {
  readonly code: string;

  constructor(code: string, message: string) {
    const advice = ADVICE[code];
    super(`${message || code} (${code})${advice ? `\n${advice}` : ''}`);
    this.name = 'ApiError';
    this.code = code;
  }
}

const ADVICE: Record<string, string> = {
  UnrecognizedClientException:
    "The server doesn't know this access key: paste the lines that it printed at its start.",
  InvalidSignatureException:
    'The secret key is not that of the access key, or the clocks differ by more than five minutes.',
  LimitExceededException:
    'The limits are settings of the server: "ocellus serve --help". Or delete what is no longer needed.',
  ImageTooLargeException: 'Images may have 4 MB and 4096 pixels a side; with s3://BUCKET/KEY, 15 MB.',
  InvalidImageFormatException: 'Images are JPEG or PNG files.',
  InvalidS3ObjectException: 'The bucket is a folder in the buckets of the server; the key is the file in it.',
};

/** A client of a server, which signs as the SDKs do. */
export class Client {
  readonly connection: Connection;
  readonly #url: URL;
  readonly #signer: SignatureV4;

  constructor(connection: Connection) {
    this.connection = connection;
    this.#url = new URL(connection.endpoint);
    const { region, keys: credentials } = connection;
    this.#signer = new SignatureV4({ service: 'rekognition', region, credentials, sha256: Sha256 });
  }

  /** Calls an operation of the API. Throws {@link ApiError} when it is refused. */
  async call<Name extends OperationName>(
    name: Name,
    input: Wire<RequestOf<Name>>,
  ): Promise<Wire<ResponseOf<Name>>> {
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `RekognitionService.${name}`,
    };
    const answer = await this.#send('POST', '/', headers, JSON.stringify(input));
    return (await answer.json()) as Wire<ResponseOf<Name>>;
  }

  /** `GET /NAME/RESOURCE`: what the server answers beside the API. Throws {@link ApiError}. */
  async get(name: string, resource: string, headers: Record<string, string> = {}): Promise<Response> {
    return await this.#send('GET', `/${name}/${encodeURIComponent(resource)}`, headers);
  }

  async #send(method: string, path: string, headers: Record<string, string>, body?: string) {
    const { protocol, hostname, host } = this.#url;
    const request = { method, protocol, hostname, path, headers: { host, ...headers }, body };
    const signed = await this.#signer.sign(request);
    let answer: Response;
    try {
      answer = await fetch(new URL(path, this.#url), { method, headers: signed.headers, body });
    } catch (error) {
      throw new CliError(
        `No server answers at ${this.connection.endpoint} (${reasonOf(error as Error)}). Start it with "ocellus serve", ` +
          'or point AWS_ENDPOINT_URL at the one that you mean.',
      );
    }
    if (!answer.ok) throw await refusal(answer, this.connection);
    return answer;
  }
}

/** A client of the server that the environment names. Throws {@link CliError}. */
export async function openClient(): Promise<Client> {
  return new Client(await connect(process.env));
}

function reasonOf({ cause, message }: Error): string {
  const { code, message: reason } = (cause ?? {}) as NodeJS.ErrnoException;
  return code ?? reason ?? message;
}

async function refusal(answer: Response, { endpoint }: Connection): Promise<CliError> {
  const text = await answer.text();
  try {
    const { __type: code, Message, message } = JSON.parse(text) as Record<string, string>;
    if (code) return new ApiError(code, Message ?? message ?? '');
  } catch {
    // No JSON: somebody else's server, or a proxy.
  }
  return new CliError(
    `${endpoint} answered with status ${answer.status} and is no Ocellus server, it seems.`,
  );
}
