import { randomUUID } from 'node:crypto';
import { ServiceError, type ServiceErrorCode } from '../operations/errors.ts';

/** The codes that don't belong to the service's model: they answer with a lower-case `message` or none. */
const frameworkStatus = {
  IncompleteSignatureException: 400,
  InternalFailure: 500,
  InvalidSignatureException: 400,
  MalformedHttpRequestException: 400,
  MissingAuthenticationTokenException: 400,
  RequestAbortedException: 400,
  RequestEntityTooLargeException: 413,
  RequestTimeoutException: 408,
  SerializationException: 400,
  UnknownOperationException: 400,
  UnrecognizedClientException: 400,
  ValidationException: 400,
} as const;

export type FrameworkErrorCode = keyof typeof frameworkStatus;

/** A refusal before an operation runs. An empty message leaves `message` out. */
export class FrameworkError extends Error {
  readonly code: FrameworkErrorCode;

  constructor(code: FrameworkErrorCode, message = '') {
    super(message);
    this.name = code;
    this.code = code;
  }
}

/** The faults that are the server's: clients try again. */
const serverFaults = new Set<ServiceErrorCode>(['InternalServerError', 'ThrottlingException']);

export interface ErrorAnswer {
  status: number;
  code: string;
  body: Record<string, string>;
  /** True for what nobody foresaw: log it. */
  unexpected: boolean;
}

/**
 * The response for anything that was thrown. A modelled error has `Code`, `Logref` and a capital `Message`,
 * a framework error has a lower-case `message`; never both, since clients break on it. What is neither
 * becomes InternalFailure and keeps its text to itself.
 */
export function errorAnswer(thrown: unknown): ErrorAnswer {
  if (thrown instanceof ServiceError) return modelled(thrown);
  if (thrown instanceof FrameworkError) return framework(thrown);
  const refusal = refusalByFastify(thrown);
  if (refusal) return framework(refusal);
  return { ...framework(new FrameworkError('InternalFailure')), unexpected: true };
}

function modelled({ code, message }: ServiceError): ErrorAnswer {
  const body = { __type: code, Code: code, Logref: randomUUID(), Message: message };
  return { status: serverFaults.has(code) ? 500 : 400, code, body, unexpected: false };
}

function framework({ code, message }: FrameworkError): ErrorAnswer {
  const body: Record<string, string> = { __type: code };
  if (message) body.message = message;
  return { status: frameworkStatus[code], code, body, unexpected: false };
}

/** Fastify and Node refuse bodies that are too long, cut off or not HTTP. */
function refusalByFastify(thrown: unknown): FrameworkError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code = '', statusCode = 500 } = thrown as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new FrameworkError('RequestEntityTooLargeException');
  if (code === 'ECONNRESET') return new FrameworkError('RequestAbortedException');
  if (code.startsWith('FST_ERR_') && statusCode < 500) {
    return new FrameworkError('MalformedHttpRequestException', thrown.message);
  }
  return undefined;
}
