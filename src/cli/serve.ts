import { type Config, readConfig } from '../config.ts';
import type { Server } from '../server.ts';
import { CliError, defineCommand } from './command.ts';

const help = `Usage: ocellus serve

Starts the server and keeps it running until Ctrl-C (or SIGTERM).

Settings are environment variables:
  OCELLUS_PORT                port to listen on; 0 picks a free one         (4599)
  OCELLUS_HOST                address to listen on                          (127.0.0.1)
  OCELLUS_DATA_DIR            folder of database, models and buckets        (./ocellus-data)
  OCELLUS_ACCESS_KEY_ID       the administrator's key pair, instead of the
  OCELLUS_SECRET_ACCESS_KEY   one that is made on first start
  OCELLUS_ACCOUNT_ID          account number in ARNs, 12 digits             (000000000000)
  OCELLUS_REGION              Region that the printed lines name            (us-east-1)
  OCELLUS_BUDGET              how long to train: fast, balanced or best     (balanced)
  OCELLUS_BACKBONE            the network that trainings start from: path or
                              address of an ONNX file; none: fresh weights  (its own)
  OCELLUS_SEED                seed of every random choice in a training     (0)
and limits: OCELLUS_MAX_TRAININGS, OCELLUS_MAX_RUNNING_MODELS,
OCELLUS_MAX_INFERENCE_UNITS, OCELLUS_MAX_PROJECTS, OCELLUS_MAX_VERSIONS, OCELLUS_MAX_POLICIES, OCELLUS_MAX_COPIES
(README.md has them all with their defaults).

A bucket is a folder: OCELLUS_DATA_DIR/buckets/NAME, and an object is a file in it. The server answers S3 requests for
them at its own address. With OCELLUS_S3_ENDPOINT all buckets are on an S3 service instead (docs/buckets.md):
  OCELLUS_S3_ENDPOINT         address of the service
  OCELLUS_S3_REGION           its Region                                    (OCELLUS_REGION)
  OCELLUS_S3_PATH_STYLE       true or false: bucket in the path or the host (true)
  OCELLUS_S3_ACCESS_KEY_ID    key pair for it; without one the AWS SDK's
  OCELLUS_S3_SECRET_ACCESS_KEY  own search
  OCELLUS_S3_DOMAIN           BUCKET.domain in the Host header is a bucket  (localhost)

Example: OCELLUS_PORT=8080 OCELLUS_DATA_DIR=/srv/ocellus ocellus serve`;

/** Runs the server until SIGINT or SIGTERM. */
export const serve = defineCommand(
  { help, options: {}, operands: { minimum: 0, maximum: 0 } },
  async (): Promise<undefined> => {
    const config = settings();
    // From the first moment: a signal during start-up counts, too.
    const stopped = signal('SIGINT', 'SIGTERM');
    const server = await start(config);
    console.log(welcome(server, config));
    await stopped;
    console.log('Stopping. Trainings that are not finished go on at the next start.');
    await server.close();
  },
);

function settings(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    const { message } = error as Error;
    throw new CliError(`The settings are not usable:\n${message}\n\n"ocellus serve --help" lists them.`, 2);
  }
}

async function start(config: Config): Promise<Server> {
  try {
    const [{ startServer }, { createLogger }] = await Promise.all([
      import('../server.ts'),
      import('../logger.ts'),
    ]);
    return await startServer(config, { logger: createLogger() });
  } catch (error) {
    throw new CliError(explain(error as NodeJS.ErrnoException, config));
  }
}

/** Resolves at the first of the signals; a second one ends the process at once. */
function signal(...names: NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    const received = () => {
      for (const name of names) process.off(name, received);
      resolve();
    };
    for (const name of names) process.on(name, received);
  });
}

function welcome(server: Server, config: Config): string {
  const { accessKeyId, secretAccessKey } = server.credentials;
  return `Ocellus is ready at ${server.url}
Data folder: ${config.dataDirectory} (${whereBuckets(config)})

To point the AWS CLI or an SDK here, paste this into a terminal:

export ${endpointVariable(config)}=${server.url}
export AWS_ACCESS_KEY_ID=${accessKeyId}
export AWS_SECRET_ACCESS_KEY=${secretAccessKey}
export AWS_REGION=${config.region} AWS_DEFAULT_REGION=${config.region}

Ctrl-C stops the server.`;
}

function whereBuckets({ objects }: Config): string {
  return 's3' in objects
    ? `buckets are at ${objects.s3.endpoint}`
    : `buckets are the folders in ${objects.folder}`;
}

/** Without the buckets the server isn't the place for S3 requests. */
function endpointVariable({ objects }: Config): string {
  return 's3' in objects ? 'AWS_ENDPOINT_URL_REKOGNITION' : 'AWS_ENDPOINT_URL';
}

/** A sentence for the person at the terminal. */
function explain(error: NodeJS.ErrnoException, { port, host, dataDirectory }: Config): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use: another Ocellus, perhaps? Stop it, or choose another port: OCELLUS_PORT=${port + 1}`;
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${host}. OCELLUS_HOST must be one of its own, for example 127.0.0.1 or 0.0.0.0.`;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return error.syscall === 'listen'
        ? `Port ${port} needs more rights than this user has; choose one above 1023: OCELLUS_PORT=4599`
        : `The data folder ${dataDirectory} cannot be written: ${error.message}. OCELLUS_DATA_DIR names another one.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `The data folder ${dataDirectory} is not a folder: ${error.message}. OCELLUS_DATA_DIR names another one.`;
    case 'ENOSPC':
      return `The disk of the data folder ${dataDirectory} is full.`;
    default:
      return `The server did not start: ${error.message}`;
  }
}
