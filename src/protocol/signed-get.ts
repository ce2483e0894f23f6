import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Credentials } from '../access/credentials.ts';
import type { Context, Services } from '../operations/operation.ts';
import { FrameworkError } from './errors.ts';
import { readClaim, readPresignedClaim, type SignedRequest, verifyGetSignature } from './sigv4.ts';

/** What a GET route may look at beside the resource it is asked for. */
export interface GetRequest {
  headers: IncomingHttpHeaders;
  /** Aborted when the server closes: an answer that goes on and on must end then. */
  closing: AbortSignal;
}

/** A stream is sent as it comes, and destroyed when the client goes away. */
export interface GetAnswer {
  status?: number;
  headers: Record<string, string>;
  body: string | Buffer | Readable;
}

/** What a server answers beside the API: `GET /NAME/RESOURCE`, signed like the API's own requests. */
export interface SignedGet {
  /** The first part of the path. */
  name: string;
  /** `resource` is the rest of the path, decoded: an ARN. Throws ServiceError as operations do. */
  handle(resource: string, request: GetRequest, context: Context): Promise<GetAnswer>;
}

interface Options {
  services: Services;
  credentials: Credentials;
  now: () => Date;
}

/**
 * Registers GET routes. The signature is in the Authorization header or, as in a presigned URL, in the query; either
 * covers the path, for the same service and Region as the API's.
 */
export function registerSignedGets(app: FastifyInstance, gets: readonly SignedGet[], options: Options): void {
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  for (const get of gets) {
    app.route({
      method: 'GET',
      url: `/${get.name}/*`,
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const caller = await authenticate(request, options);
        const { headers } = request;
        const resource = (request.params as { '*': string })['*'];
        const context = { ...options.services, caller };
        send(reply, await get.handle(resource, { headers, closing: closing.signal }, context));
        return reply;
      },
    });
  }
}

async function authenticate({ raw }: FastifyRequest, { credentials, now }: Options) {
  const request: SignedRequest = { method: raw.method!, url: raw.url!, rawHeaders: raw.rawHeaders };
  const read = /[?&]X-Amz-Signature=/.test(request.url) ? readPresignedClaim : readClaim;
  const claim = await read(request, 'rekognition', credentials, now());
  if (Number(raw.headers['content-length'] ?? 0) > 0 || raw.headers['transfer-encoding'] !== undefined) {
    throw new FrameworkError('MalformedHttpRequestException', 'A GET request has no body.');
  }
  await verifyGetSignature(claim, request);
  return { arn: claim.principal.arn, account: claim.principal.account, region: claim.region };
}

function send(reply: FastifyReply, { status = 200, headers, body }: GetAnswer): void {
  if (reply.request.headers.origin !== undefined) {
    reply.headers({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers': 'x-amzn-RequestId, Content-Disposition',
    });
  }
  reply.code(status).header('x-amzn-RequestId', reply.request.id).headers(headers).send(body);
}
