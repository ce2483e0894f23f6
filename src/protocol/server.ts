import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Credentials } from '../access/credentials.ts';
import type { Operation, Services } from '../operations/operation.ts';
import { errorAnswer, FrameworkError } from './errors.ts';
import { serialize } from './json.ts';
import { registerSignedGets, type SignedGet } from './signed-get.ts';
import { type Claim, readClaim, verifySignature } from './sigv4.ts';
import { parseBody, validate } from './validate.ts';

/*
 * The order in which a request is refused
 *
 *   before its body is read (`admit`)
 *     1. no operation: method, content type, target      UnknownOperationException
 *     2. no or half an Authorization header              MissingAuthenticationToken, IncompleteSignature
 *     3. unknown access key                              UnrecognizedClientException
 *     4. wrong scope, expired, not yet current           InvalidSignatureException
 *   while its body is read (fastify)
 *     5. more than 10 MiB, cut off, too slow             RequestEntityTooLarge, RequestTimeout …
 *   with its body (`answer`)
 *     6. signature differs                               InvalidSignatureException
 *     7. too many nodes, no JSON, wrong JSON types       SerializationException
 *     8. shapes                                          ValidationException
 *   by the operation itself
 *     9. authorization                                   AccessDeniedException
 *    10. parameters that don't go together or aren't supported   InvalidParameterException
 *    11. existence                                       ResourceNotFoundException
 *    12. state, and what doesn't go with what is there   ResourceInUseException, InvalidParameterException …
 *    13. quota                                           LimitExceededException …
 */

const SERVICE = 'rekognition';
const MEDIA_TYPE = 'application/x-amz-json-1.1';
const TARGET_PREFIX = 'RekognitionService.';
/** For browsers and curl. */
const UNSIGNED =
  'The API takes POST requests. Buckets take signed requests only: use an S3 client or a presigned URL.';
/** The largest legal bodies carry 5 MiB in base64, about 7 MB. */
const BODY_LIMIT = 10 * 1024 * 1024;

/**
 * How long a connection stays open without a request. Node's five seconds end it while clients that poll still use it: a request that goes over
 * a connection that is being closed is lost, and a client that doesn't try again reports a reset.
 */
const KEEP_ALIVE_MS = 72_000;

export interface ProtocolOptions {
  services: Services;
  operations: Operation[];
  credentials: Credentials;
  /** What is answered beside the API. */
  gets?: SignedGet[];
  /** The clock that signatures are held against. */
  now?: () => Date;
  /** Gets a line per call. Without it the server is silent. */
  logger?: FastifyBaseLogger | false;
  /** Milliseconds that a client may take to send a whole request. */
  requestTimeout?: number;
  /** Another service on the same port, which takes the requests that `isMine` says are its own. */
  beside?: {
    isMine(request: IncomingMessage): boolean;
    handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  };
}

/** What `admit` found out about a request. */
interface Call {
  operation: Operation;
  claim: Claim;
}

declare module 'fastify' {
  interface FastifyRequest {
    call: Call | undefined;
    /** Code of the error that was answered, for the log. */
    errorCode: string | undefined;
  }
}

/**
 * The HTTP server of the API, not yet listening. POST on any path is the API's; what it answers to GET is in `gets`,
 * and other routes may be registered beside it, which keep their own body parsers and errors.
 */
export function createProtocolServer(options: ProtocolOptions): FastifyInstance {
  const { requestTimeout = 120_000 } = options;
  const app = fastify({
    ...(options.logger && { loggerInstance: options.logger }),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT,
    serverFactory: (handleCall) =>
      createHttpServer(handleCall as RequestListener, requestTimeout, options.beside),
    // A request that comes over an open connection while the server closes is still answered.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => sendError(error, request, reply),
  }) as unknown as FastifyInstance;
  app.decorateRequest('call', undefined);
  app.decorateRequest('errorCode', undefined);
  app.addHook('onResponse', logCall);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) => {
    sendError(new FrameworkError('UnknownOperationException', UNSIGNED), request, reply.code(404));
  });
  app.register(async (api) => registerApi(api, options));
  const { gets = [], services, credentials, now = () => new Date() } = options;
  registerSignedGets(app, gets, { services, credentials, now });
  return app;
}

/**
 * Hands each request to its service. Only headers have Node's time limit, since uploads to the other service may take
 * as long as they move on; the API's requests have one of their own.
 */
function createHttpServer(
  handleCall: RequestListener,
  requestTimeout: number,
  beside: ProtocolOptions['beside'],
) {
  const dispatch: RequestListener = (request, response) => {
    response.once('close', () => {
      // Closing ends the connections that are idle then; those of answers under way follow.
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
    if (beside?.isMine(request)) {
      void beside.handle(request, response);
      return;
    }
    const timer = setTimeout(() => {
      if (!request.complete) sendTimeout(request.socket);
    }, requestTimeout);
    response.once('close', () => clearTimeout(timer));
    handleCall(request, response);
  };
  const server = createServer(
    {
      requestTimeout: 0,
      headersTimeout: Math.min(requestTimeout, 20_000),
      connectionsCheckingInterval: requestTimeout / 4,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    dispatch,
  );
  server.on('checkContinue', (request, response) => {
    // The other service asks for the body when it has seen who sends it.
    if (!beside?.isMine(request)) response.writeContinue();
    dispatch(request, response);
  });
  server.on('checkExpectation', dispatch); // of other expectations nothing comes
  server.on('clientError', clientErrorHandler);
  return server;
}

function registerApi(api: FastifyInstance, options: ProtocolOptions): void {
  const operations = new Map(options.operations.map((operation) => [operation.name as string, operation]));
  const now = options.now ?? (() => new Date());
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => body,
  );
  api.route({
    method: 'POST',
    url: '*',
    onRequest: async (request) => {
      request.call = await admit(request, operations, options.credentials, now());
    },
    handler: async (request, reply) => {
      send(reply, 200, await answer(request, options.services));
      return reply;
    },
  });
  api.options('*', async (request, reply) => {
    setCorsHeaders(reply);
    if (options.beside) {
      // A preflight isn't signed, so it doesn't tell for which service it asks.
      reply.headers({
        'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, DELETE',
        'Access-Control-Allow-Headers': request.headers['access-control-request-headers'] ?? '*',
        Vary: 'Access-Control-Request-Headers',
      });
    }
    return reply.code(200).send();
  });
}

/** Everything that can be refused before the body is read, so that strangers can't make us hold theirs. */
async function admit(
  request: FastifyRequest,
  operations: Map<string, Operation>,
  credentials: Credentials,
  now: Date,
): Promise<Call> {
  const operation = route(request, operations);
  const claim = await readClaim(signed(request), SERVICE, credentials, now);
  return { operation, claim };
}

function route({ headers }: FastifyRequest, operations: Map<string, Operation>): Operation {
  const mediaType = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== MEDIA_TYPE) {
    throw new FrameworkError('UnknownOperationException', `The content type must be ${MEDIA_TYPE}.`);
  }
  headers['content-type'] = MEDIA_TYPE; // its parameters don't matter, not even broken ones
  const target = headers['x-amz-target'];
  const operation =
    typeof target === 'string' && target.startsWith(TARGET_PREFIX)
      ? operations.get(target.slice(TARGET_PREFIX.length))
      : undefined;
  if (!operation) throw new FrameworkError('UnknownOperationException');
  return operation;
}

async function answer(request: FastifyRequest, services: Services): Promise<string> {
  const { operation, claim } = request.call!;
  const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
  await verifySignature(claim, signed(request), body);
  const input = validate(operation.input, parseBody(body));
  const caller = { arn: claim.principal.arn, account: claim.principal.account, region: claim.region };
  return serialize(await operation.handle(input, { ...services, caller }));
}

const signed = ({ raw }: FastifyRequest) => ({
  method: raw.method!,
  url: raw.url!,
  rawHeaders: raw.rawHeaders,
});

function send(reply: FastifyReply, status: number, body: string): void {
  if (reply.request.headers.origin !== undefined) setCorsHeaders(reply);
  reply
    .code(status)
    .header('x-amzn-RequestId', reply.request.id)
    .header('Content-Type', MEDIA_TYPE)
    .serializer((text: string) => text)
    .send(body);
}

/** The one place where an error becomes a response. */
function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, code, body, unexpected } = errorAnswer(error);
  if (unexpected) request.log.error({ err: error }, 'unexpected error');
  request.errorCode = code;
  // Fastify closes the connection after an oversized body. A client that still sends would then lose the
  // answer, so the rest is read and thrown away instead.
  reply.removeHeader('connection');
  reply.header('x-amzn-ErrorType', code);
  send(reply, reply.statusCode === 404 ? 404 : status, serialize(body));
}

/** Browsers sign like everyone else; no cookie is involved, so any origin may ask. */
function setCorsHeaders(reply: FastifyReply): void {
  reply.headers({
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': 'GET, POST',
    'Access-Control-Allow-Headers':
      'authorization, content-type, x-amz-content-sha256, x-amz-date, x-amz-security-token, x-amz-target, ' +
      'x-amz-user-agent, amz-sdk-invocation-id, amz-sdk-request',
    'Access-Control-Expose-Headers': 'x-amzn-RequestId, x-amzn-ErrorType, Date',
    'Access-Control-Max-Age': '3600',
  });
}

/** `CreateProject 400 ResourceInUseException 3 ms`, and who called. */
async function logCall(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { call, headers, method, url, errorCode } = request;
  const name = call?.operation.name ?? `${method} ${headers['x-amz-target'] || url}`.slice(0, 100);
  const outcome = [reply.statusCode, errorCode].filter(Boolean).join(' ');
  const agent = headers['x-amz-user-agent'] ?? headers['user-agent'];
  request.log.info({ agent }, `${name} ${outcome} ${Math.round(reply.elapsedTime)} ms`);
}

/** What Node can't read as HTTP, or waited for in vain. No request exists, so this writes to the socket. */
function clientErrorHandler(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') sendTimeout(socket);
  else sendRaw(socket, 'Bad Request', new FrameworkError('MalformedHttpRequestException'));
}

function sendTimeout(socket: Duplex): void {
  sendRaw(socket, 'Request Timeout', new FrameworkError('RequestTimeoutException'));
}

function sendRaw(socket: Duplex, reason: string, error: FrameworkError): void {
  const { status, body } = errorAnswer(error);
  const text = serialize(body);
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\n` +
      `Date: ${new Date().toUTCString()}\r\nx-amzn-RequestId: ${randomUUID()}\r\n` +
      `Content-Type: ${MEDIA_TYPE}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}
