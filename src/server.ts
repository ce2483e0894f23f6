import type { FastifyBaseLogger } from 'fastify';
import type { Config } from './config.ts';

/** A running server. */
export interface Server {
  /** For example `http://127.0.0.1:4599`. */
  url: string;
  port: number;
  /** The administrator's key pair: the one of the settings, or the one made on first start. */
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** Stops listening, ends requests, unloads models and leaves unfinished trainings for the next start. */
  close(): Promise<void>;
}

/**
 * Opens the data directory (made when absent), takes up what the last run left, and listens.
 * Throws when another server has the directory open or the port is taken.
 */
export async function startServer(
  _config: Config,
  _options: { logger?: FastifyBaseLogger } = {},
): Promise<Server> {
  throw new Error('not written yet');
}
