import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { type Credentials, type KeyPair, loadCredentials } from './access/credentials.ts';
import { resolveBackbone } from './backbones/add.ts';
import { type Backbones, backbonesIn } from './backbones/library.ts';
import type { Config } from './config.ts';
import { DatasetJobs } from './datasets/jobs.ts';
import { DatasetQueue } from './datasets/queue.ts';
import { gets } from './gets/index.ts';
import type { Logger } from './logger.ts';
import { FolderObjects } from './objects/folder.ts';
import { openObjects } from './objects/open.ts';
import { operations } from './operations/index.ts';
import type { Services } from './operations/operation.ts';
import { createProtocolServer } from './protocol/server.ts';
import { createS3Handler, isS3Request } from './s3/server.ts';
import { Models } from './serving/models.ts';
import { VersionFolders } from './store/folders.ts';
import { createPageTokens } from './store/pages.ts';
import { openSqlite } from './store/sqlite.ts';
import { listVersionsInStatus } from './store/versions.ts';
import { Copies } from './training/copies.ts';
import { Trainings } from './training/supervisor.ts';

/** A running server. */
export interface Server {
  /** For example `http://127.0.0.1:4599`. */
  url: string;
  port: number;
  /** The administrator's key pair: the one of the settings, or the one made on first start. */
  credentials: KeyPair;
  /** Stops listening, ends requests, unloads models and leaves unfinished trainings for the next start. */
  close(): Promise<void>;
}

const SILENT: Logger = { info() {}, warn() {}, error() {} };

/**
 * Opens the data directory (made when absent), takes up what the last run left, and listens.
 * Throws when another server has the directory open or the port is taken.
 */
export async function startServer(
  config: Config,
  { logger }: { logger?: FastifyBaseLogger } = {},
): Promise<Server> {
  const services = await openServices(config, logger);
  let app: FastifyInstance | undefined;
  const close = async () => {
    await app?.close();
    await closeServices(services);
  };
  try {
    const credentials = await loadCredentials(config);
    const beside = { isMine: isS3Request, handle: s3Handler(services, credentials, logger ?? SILENT) };
    app = createProtocolServer({ services, operations, gets, credentials, beside, logger: logger ?? false });
    await takeUp(services);
    const url = await app.listen({ host: config.host, port: config.port });
    const { port } = app.server.address() as AddressInfo;
    return { url, port, credentials: credentials.administrator, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function s3Handler({ objects, config }: Services, credentials: Credentials, logger: Logger) {
  const buckets = objects instanceof FolderObjects ? objects.buckets : undefined;
  const { region, accountId, s3Domain: domain } = config;
  return createS3Handler({ buckets, credentials, region, accountId, domain, logger });
}

/**
 * What operations work with, on the data directory (made when absent). Nothing runs yet. Throws BackboneError when the
 * backbone of the settings can't be had.
 */
export async function openServices(config: Config, logger: Logger = SILENT): Promise<Services> {
  const inside = (name: string) => join(config.dataDirectory, name);
  await mkdir('folder' in config.objects ? config.objects.folder : config.dataDirectory, { recursive: true });
  const backbones = backbonesIn(config.dataDirectory);
  const backbone = await chooseBackbone(backbones, config, logger);
  const database = await openSqlite(inside('ocellus.sqlite'));
  const folders = new VersionFolders(inside('versions'));
  const objects = openObjects(config.objects);
  if (objects instanceof FolderObjects) await objects.buckets.removeRemains();
  const datasetQueue = new DatasetQueue();
  return {
    config,
    database,
    folders,
    backbone,
    objects,
    pageTokens: await createPageTokens(database),
    datasetQueue,
    datasets: new DatasetJobs({ database, objects, queue: datasetQueue, seed: config.seed, logger }),
    trainings: new Trainings({ database, folders, datasetQueue, config, logger }),
    copies: new Copies({ database, folders, objects, logger }),
    models: new Models({ database, folders, logger }),
  };
}

async function chooseBackbone(backbones: Backbones, { backbone: setting }: Config, logger: Logger) {
  await backbones.removeRemains();
  if (setting !== undefined) logger.info({ from: setting }, 'backbone: being looked up');
  const backbone = await resolveBackbone(backbones, setting);
  if (backbone) {
    const { name, checksum } = backbone;
    logger.info({ name, checksum }, 'backbone: new trainings start from it');
  } else logger.info({}, 'backbone: none, new trainings start from fresh weights');
  return backbone;
}

/** Ends what runs in the background; the next start takes up what isn't done. */
export async function closeServices(services: Services): Promise<void> {
  // Together: each may wait for the other's turn.
  await Promise.all([services.datasets.close(), services.trainings.close()]);
  await services.copies.close();
  await services.models.close();
  await services.database.destroy();
  services.objects.close();
}

/** What the last run, however it ended, has left half done. */
export async function takeUp({
  database,
  folders,
  models,
  datasets,
  trainings,
  copies,
}: Services): Promise<void> {
  for (const { id } of await listVersionsInStatus(database, ['DELETING'])) {
    await folders.finishDeletion(database, id);
  }
  await folders.removeStrays(database);
  await models.resume();
  // Trainings first: they were promised the data sets as they are, before changes that wait.
  await trainings.resume();
  await datasets.resume();
  await copies.resume();
}
