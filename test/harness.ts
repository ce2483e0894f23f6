import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import {
  CreateProjectCommand,
  CreateProjectVersionCommand,
  type CreateProjectVersionCommandInput,
  DescribeProjectVersionsCommand,
  type ProjectVersionDescription,
  type ProjectVersionStatus,
  RekognitionClient,
  RekognitionServiceException,
} from '@aws-sdk/client-rekognition';
import sharp from 'sharp';
import { expect } from 'vitest';
import { readConfig } from '../src/config.ts';
import { startServer } from '../src/server.ts';
import { readStrictly } from './strict-reader.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
export const KEYS = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret-of-the-test' };

/** A data directory of its own, with buckets to fill, and clients for servers on it. */
export class Workspace {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Workspace> {
    return new Workspace(await mkdtemp(join(tmpdir(), 'ocellus-test-')));
  }

  /** Settings of a server on this directory, on a free port. */
  environment(settings: Record<string, string> = {}): Record<string, string> {
    return {
      OCELLUS_PORT: '0',
      OCELLUS_DATA_DIR: this.directory,
      OCELLUS_ACCESS_KEY_ID: KEYS.accessKeyId,
      OCELLUS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      OCELLUS_BUDGET: 'fast',
      OCELLUS_BACKBONE: 'none',
      ...settings,
    };
  }

  /** Puts an object into a bucket, as a user does who copies files. */
  async put(bucket: string, key: string, body: string | Uint8Array): Promise<void> {
    const file = join(this.directory, 'buckets', bucket, key);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, body);
  }

  /** The text of an object. */
  async read(bucket: string, key: string): Promise<string> {
    return await readFile(join(this.directory, 'buckets', bucket, key), 'utf8');
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A client that doesn't try again: tests see each answer. Every answer is read strictly, too. */
export function createClient(endpoint: string, region = 'us-east-1'): RekognitionClient {
  const client = new RekognitionClient({ endpoint, region, credentials: KEYS, maxAttempts: 1 });
  const { requestHandler } = client.config;
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = async (request, options) => {
    const { response } = await handle(request, options);
    const body = await buffer(response.body);
    const operation = request.headers['x-amz-target']!.replace('RekognitionService.', '');
    const answer = { status: response.statusCode, headers: response.headers, body: body.toString() };
    const faults = readStrictly(operation, answer);
    if (faults.length > 0) throw new Error(`${operation} answered ${answer.body}: ${faults.join('; ')}`);
    response.body = Readable.from([body]);
    return { response };
  };
  return client;
}

/** A server in this process. */
export async function startInProcess(workspace: Workspace, settings: Record<string, string> = {}) {
  const server = await startServer(readConfig(workspace.environment(settings)));
  return { ...server, client: createClient(server.url) };
}

/** The server as users run it, in a process that can be killed. */
export async function spawnServer(workspace: Workspace, settings: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: { ...process.env, ...workspace.environment(settings) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const url = await until(async () => {
    if (child.exitCode !== null) throw new Error(`The server did not start:\n${lines.join('\n')}`);
    return findLine(lines, /ready at (http:\S+)/);
  });
  return {
    url,
    client: createClient(url),
    /** What the first group of the pattern matches in the log, or undefined. */
    log: (pattern: RegExp) => findLine(lines, pattern),
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      return child.exitCode;
    },
  };
}

function findLine(lines: string[], pattern: RegExp): string | undefined {
  return lines.map((line) => pattern.exec(line)?.[1]).find((match) => match !== undefined);
}

/** Resolves when `condition` does not answer undefined or false; the test's time limit ends the wait. */
export async function until<T>(condition: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The name and the message of the exception that a call ends with. */
export async function refusal(call: Promise<unknown>): Promise<{ name: string; message: string }> {
  const error = await call.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(RekognitionServiceException);
  return { name: error.name, message: error.message };
}

export async function createProject(client: RekognitionClient, name: string): Promise<string> {
  const { ProjectArn } = await client.send(new CreateProjectCommand({ ProjectName: name }));
  return ProjectArn!;
}

export async function describeVersion(
  client: RekognitionClient,
  projectArn: string,
  versionName: string,
): Promise<ProjectVersionDescription | undefined> {
  const answer = await client.send(
    new DescribeProjectVersionsCommand({ ProjectArn: projectArn, VersionNames: [versionName] }),
  );
  return answer.ProjectVersionDescriptions?.[0];
}

/** Waits until the version has left every status in which the server works on it. */
export async function settled(
  client: RekognitionClient,
  projectArn: string,
  versionName: string,
): Promise<ProjectVersionDescription> {
  const busy: ProjectVersionStatus[] = [
    'TRAINING_IN_PROGRESS',
    'COPYING_IN_PROGRESS',
    'STARTING',
    'STOPPING',
  ];
  return await until(async () => {
    const version = await describeVersion(client, projectArn, versionName);
    return version?.Status && !busy.includes(version.Status) && version;
  });
}

export const manifest = (bucket: string, key: string) => ({
  Assets: [{ GroundTruthManifest: { S3Object: { Bucket: bucket, Name: key } } }],
});

/** A version trained from `images/train.manifest`, the test set split off, unless said otherwise. */
export async function createVersion(
  client: RekognitionClient,
  projectArn: string,
  versionName: string,
  input: Partial<CreateProjectVersionCommandInput> = {},
): Promise<string> {
  const { ProjectVersionArn } = await client.send(
    new CreateProjectVersionCommand({
      ProjectArn: projectArn,
      VersionName: versionName,
      OutputConfig: { S3Bucket: 'results', S3KeyPrefix: 'out' },
      TrainingData: manifest('images', 'train.manifest'),
      TestingData: { AutoCreate: true },
      ...input,
    }),
  );
  return ProjectVersionArn!;
}

/** A picture of one colour with some noise, as a PNG. The same seed gives the same picture. */
export async function picture(
  colour: { r: number; g: number; b: number },
  seed = 0,
  side = 80,
): Promise<Buffer> {
  let state = seed * 2 + 1;
  const random = () => {
    state = (state * 48271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
  const pixels = Buffer.alloc(side * side * 3);
  const base = [colour.r, colour.g, colour.b];
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = Math.max(0, Math.min(255, base[i % 3]! + 80 * (random() - 0.5)));
  return await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

export function manifestLine(bucket: string, key: string, label: string): string {
  return JSON.stringify({
    'source-ref': `s3://${bucket}/${key}`,
    kind: 1,
    'kind-metadata': {
      confidence: 1,
      'class-name': label,
      'human-annotated': 'yes',
      'creation-date': '2026-03-06T17:46:39.176',
      type: 'groundtruth/image-classification',
    },
  });
}

/** The labels of `putColours`. */
export const COLOURS = { red: { r: 200, g: 60, b: 60 }, blue: { r: 60, g: 60, b: 200 } };

/** `images/train.manifest` with pictures of two colours, easy to tell apart, and an empty bucket for results. */
export async function putColours(workspace: Workspace, perLabel = 10): Promise<void> {
  const lines: string[] = [];
  for (const [label, colour] of Object.entries(COLOURS)) {
    for (let i = 0; i < perLabel; i++) {
      const key = `${label}/${i}.png`;
      await workspace.put('images', key, await picture(colour, i));
      lines.push(manifestLine('images', key, label));
    }
  }
  await workspace.put('images', 'train.manifest', `${lines.join('\n')}\n`);
  await mkdir(join(workspace.directory, 'buckets/results'), { recursive: true });
}
