import type { FastifyBaseLogger } from 'fastify';

/** Where the parts of the server tell what they do; pino's and fastify's loggers fit. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** `key=value` pairs; an error's stack goes on lines of its own. */
function formatFields(fields: object): string {
  let pairs = '';
  let stack = '';
  for (const [key, value] of Object.entries(fields)) {
    if (value instanceof Error) stack += `\n${value.stack ?? value.message}`;
    else if (value !== undefined)
      pairs += ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
  }
  return pairs + stack;
}

/** A logger for people: one line per event with time, level, message and fields, to standard output. */
export function createLogger(
  write = (line: string) => console.log(line),
  bindings: object = {},
): FastifyBaseLogger {
  const at =
    (level: string) =>
    (fields: unknown, message = '') => {
      const given = typeof fields === 'object' && fields !== null ? fields : {};
      const text = typeof fields === 'string' ? fields : message;
      write(`${new Date().toISOString()} ${level} ${text}${formatFields({ ...bindings, ...given })}`);
    };
  const nothing = () => {};
  return {
    level: 'info',
    fatal: at('fatal'),
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: nothing,
    trace: nothing,
    silent: nothing,
    child: (more) => createLogger(write, { ...bindings, ...more }),
  };
}
