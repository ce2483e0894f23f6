import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyPair, loadCredentials } from '../access/credentials.ts';
import { type Config, readConfig } from '../config.ts';
import type { ObjectSettings } from '../objects/open.ts';
import { CliError } from './command.ts';

/** The server that commands talk to, and its buckets. */
export interface Connection {
  endpoint: string;
  region: string;
  keys: KeyPair;
  /** Where the buckets are, as seen from here. */
  objects: ObjectSettings;
}

type Environment = Record<string, string | undefined>;

const HOW = `Start a server in this folder ("ocellus serve") and call again from here, or paste the lines that it
prints (export AWS_ENDPOINT_URL=…) into this terminal.`;

/**
 * The server of the environment: that of the AWS variables, as an SDK would take them; else the one of this machine whose
 * data folder is at hand (OCELLUS_DATA_DIR, ./ocellus-data), with its own key pair. Never the AWS cloud by accident: keys
 * without an endpoint don't count. Throws {@link CliError}.
 */
export async function connect(environment: Environment): Promise<Connection> {
  const config = settings(environment);
  const region = environment.AWS_REGION || environment.AWS_DEFAULT_REGION || config.region;
  const endpoint = environment.AWS_ENDPOINT_URL_REKOGNITION || environment.AWS_ENDPOINT_URL;
  if (endpoint) return remote(endpoint, region, await keysOf(environment, config), config);
  const keys = await localKeys(config);
  if (!keys) throw new CliError(`No server is known here. ${HOW}`);
  if (config.port === 0) {
    throw new CliError('OCELLUS_PORT is 0, which is any port: set AWS_ENDPOINT_URL to the server.');
  }
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`;
  return { endpoint: url, region: config.region, keys, objects: config.objects };
}

/**
 * The buckets alone: those of the data folder at hand also when no server runs. Undefined when there are none. Throws
 * {@link CliError}.
 */
export async function connectBuckets(environment: Environment): Promise<ObjectSettings | undefined> {
  if (environment.AWS_ENDPOINT_URL_REKOGNITION || environment.AWS_ENDPOINT_URL) {
    return (await connect(environment)).objects;
  }
  const { objects, dataDirectory } = settings(environment);
  return 's3' in objects || existsSync(dataDirectory) ? objects : undefined;
}

function settings(environment: Environment): Config {
  try {
    return readConfig(environment);
  } catch (error) {
    throw new CliError(`The settings are not usable:\n${(error as Error).message}`, 2);
  }
}

/** The server's own buckets, unless the settings say that they are on another service. */
function remote(endpoint: string, region: string, keys: KeyPair, { objects }: Config): Connection {
  if (!URL.canParse(endpoint)) throw new CliError(`AWS_ENDPOINT_URL is no address: ${endpoint}`, 2);
  const own = { s3: { endpoint, region, pathStyle: true, credentials: keys } };
  return {
    endpoint: new URL(endpoint).origin,
    region,
    keys,
    objects: 's3' in objects ? objects : own,
  };
}

async function keysOf(environment: Environment, config: Config): Promise<KeyPair> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey };
  const keys = await localKeys(config);
  if (keys) return keys;
  throw new CliError('AWS_ENDPOINT_URL is set, but not AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY with it.');
}

/** Doesn't make a key pair: that is the server's first start. */
async function localKeys(config: Config): Promise<KeyPair | undefined> {
  const known = config.credentials || existsSync(join(config.dataDirectory, 'credentials.json'));
  if (!known) return undefined;
  try {
    return (await loadCredentials(config)).administrator;
  } catch (error) {
    throw new CliError((error as Error).message);
  }
}
