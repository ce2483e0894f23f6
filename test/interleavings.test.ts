import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { CopyProjectVersion } from '../src/operations/CopyProjectVersion.ts';
import { CreateProject } from '../src/operations/CreateProject.ts';
import { CreateProjectVersion } from '../src/operations/CreateProjectVersion.ts';
import { DeleteProject } from '../src/operations/DeleteProject.ts';
import { DeleteProjectVersion } from '../src/operations/DeleteProjectVersion.ts';
import { DescribeProjects } from '../src/operations/DescribeProjects.ts';
import { DescribeProjectVersions } from '../src/operations/DescribeProjectVersions.ts';
import { DetectCustomLabels } from '../src/operations/DetectCustomLabels.ts';
import { ServiceError } from '../src/operations/errors.ts';
import type { Context, Services } from '../src/operations/operation.ts';
import { StartProjectVersion } from '../src/operations/StartProjectVersion.ts';
import { StopProjectVersion } from '../src/operations/StopProjectVersion.ts';
import { closeServices, openServices, takeUp } from '../src/server.ts';
import { colourModel } from '../src/serving/fixtures.ts';
import type { VersionStatus } from '../src/store/schema.ts';
import { listVersionsInStatus } from '../src/store/versions.ts';
import type { TrainingOutcome } from '../src/training/outcome.ts';
import { MODEL_FILE } from '../src/training/publish.ts';
import { Trainings } from '../src/training/supervisor.ts';
import {
  BAD_NAME,
  type Call,
  LIMITS,
  type Outcome,
  possibleAfter,
  type State,
  settledOnes,
  statusesOf,
} from './state-model.ts';

// Calls at the same time, at random, among restarts: whatever their order was, the answers must be those that the
// model of the state machine gives in some order, and so must be what is there in the end.

const BUSY: VersionStatus[] = [
  'TRAINING_IN_PROGRESS',
  'COPYING_IN_PROGRESS',
  'STARTING',
  'STOPPING',
  'DELETING',
];

const MODEL = colourModel();
let image: Buffer<ArrayBuffer>;

beforeAll(async () => {
  const picture = sharp({ create: { width: 64, height: 64, channels: 3, background: '#00f' } });
  image = Buffer.from(await picture.png().toBuffer());
});

const RESULT = { bucket: 'results', key: 'result.json' };
const COMPLETED: TrainingOutcome = {
  status: 'TRAINING_COMPLETED',
  f1Score: 1,
  billableSeconds: 1,
  evaluationSummary: RESULT,
  trainingOutput: RESULT,
  testingOutput: RESULT,
  validation: { manifestSummary: RESULT, trainingValidation: RESULT, testingValidation: RESULT },
};

/** Trainings whose process has done its work already: the supervisor finds what it left, and stores it. */
class DoneTrainings extends Trainings {
  readonly #services: Services;

  constructor(services: Services) {
    super({ ...services, logger: { info() {}, warn() {}, error() {} } });
    this.#services = services;
  }

  override start(...[version, turn]: Parameters<Trainings['start']>): void {
    const folder = this.#services.folders.path(version.id);
    const failed: TrainingOutcome = { status: 'TRAINING_FAILED', message: 'The manifest file is empty.' };
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, MODEL_FILE), MODEL);
    writeFileSync(
      join(folder, 'outcome.json'),
      JSON.stringify(version.name === BAD_NAME ? failed : COMPLETED),
    );
    super.start(version, turn);
  }
}

async function open(directory: string): Promise<Context> {
  const config = readConfig({
    OCELLUS_DATA_DIR: directory,
    OCELLUS_BACKBONE: 'none',
    OCELLUS_MAX_PROJECTS: String(LIMITS.projects),
    OCELLUS_MAX_VERSIONS: String(LIMITS.versions),
    OCELLUS_MAX_TRAININGS: String(LIMITS.trainings),
    OCELLUS_MAX_RUNNING_MODELS: String(LIMITS.runningModels),
    OCELLUS_MAX_COPIES: String(LIMITS.copies),
  });
  const services = await openServices(config);
  services.trainings = new DoneTrainings(services);
  await takeUp(services);
  const caller = { arn: 'arn:aws:iam::000000000000:user/test', account: '000000000000', region: 'us-east-1' };
  return { ...services, caller };
}

async function describe(projectArn: string, context: Context): Promise<Record<string, VersionStatus>> {
  const answer = await DescribeProjectVersions.handle({ ProjectArn: projectArn }, context);
  const named = answer.ProjectVersionDescriptions!.map(({ ProjectVersionArn, Status }) => [
    ProjectVersionArn!.split('/')[3]!,
    Status,
  ]);
  return Object.fromEntries(named);
}

const OutputConfig = { S3Bucket: 'results', S3KeyPrefix: 'copies' };

async function make(call: Call, context: Context): Promise<Outcome> {
  switch (call.kind) {
    case 'create-project':
      return { arn: (await CreateProject.handle({ ProjectName: call.name }, context)).ProjectArn };
    case 'delete-project':
      await DeleteProject.handle({ ProjectArn: call.projectArn }, context);
      return {};
    case 'create-version': {
      const asset = { GroundTruthManifest: { S3Object: { Bucket: 'images', Name: 'manifest' } } };
      const input = {
        ProjectArn: call.projectArn,
        VersionName: call.name,
        OutputConfig,
        TrainingData: { Assets: [asset] },
        TestingData: { AutoCreate: true },
      };
      return { arn: (await CreateProjectVersion.handle(input, context)).ProjectVersionArn };
    }
    case 'copy': {
      const input = {
        SourceProjectArn: call.sourceProjectArn,
        SourceProjectVersionArn: call.source,
        DestinationProjectArn: call.projectArn,
        VersionName: call.name,
        OutputConfig,
      };
      return { arn: (await CopyProjectVersion.handle(input, context)).ProjectVersionArn };
    }
    case 'describe':
      return { statuses: await describe(call.projectArn, context) };
    case 'start':
      await StartProjectVersion.handle({ ProjectVersionArn: call.arn, MinInferenceUnits: 1 }, context);
      return {};
    case 'stop':
      await StopProjectVersion.handle({ ProjectVersionArn: call.arn }, context);
      return {};
    case 'delete':
      await DeleteProjectVersion.handle({ ProjectVersionArn: call.arn }, context);
      return {};
    case 'detect':
      await DetectCustomLabels.handle({ ProjectVersionArn: call.arn, Image: { Bytes: image } }, context);
      return {};
  }
}

async function answer(call: Call, context: Context): Promise<Outcome> {
  try {
    return await make(call, context);
  } catch (error) {
    if (error instanceof ServiceError) return { code: error.code };
    throw error;
  }
}

/** Every project and version that is there. */
async function everything(context: Context): Promise<Record<string, Record<string, VersionStatus>>> {
  const { ProjectDescriptions } = await DescribeProjects.handle({}, context);
  const found = ProjectDescriptions!.map(async ({ ProjectArn }) => [
    ProjectArn!,
    await describe(ProjectArn!, context),
  ]);
  return Object.fromEntries(await Promise.all(found));
}

const asListed = (state: State) =>
  Object.fromEntries(Object.keys(state.projects).map((arn) => [arn, statusesOf(state, arn)]));

/** A call by names; the ARNs are the last ones that the names were given. A copy goes `to` a project `as` a name. */
interface Request {
  kind: Call['kind'];
  project: string;
  version: string;
  to: string;
  as: string;
}

const kind = fc.oneof(
  fc.constantFrom<Call['kind']>('create-project', 'delete-project', 'describe', 'detect'),
  {
    weight: 4,
    arbitrary: fc.constantFrom<Call['kind']>('create-version', 'start', 'stop', 'delete', 'copy'),
  },
);
const projectName = fc.constantFrom('a', 'a', 'b', 'b', 'c');
const versionName = fc.constantFrom('v', 'v', 'w', BAD_NAME);
const names = fc.record({ project: projectName, version: versionName, to: projectName, as: versionName });

/** Calls at the same time, most of them about one version so that they are in each other's way. */
const requests = names.chain((focus) => {
  const about = fc.oneof({ weight: 3, arbitrary: fc.constant(focus) }, names);
  const request = fc.tuple(kind, about).map(([kind, about]): Request => ({ kind, ...about }));
  return fc.array(request, { minLength: 1, maxLength: 4 });
});

const batch = fc.record({
  requests,
  // Turns of the event loop that pass before the next ones, while the server goes on by itself.
  pause: fc.nat(9),
  settle: fc.boolean(),
  restart: fc.nat(4).map((n) => n === 0),
});

const NOWHERE = 'arn:aws:rekognition:us-east-1:000000000000:project/none/1';

class Names {
  readonly #arns = new Map<string, string>();

  toCall({ kind, project, version, to, as }: Request): Call {
    const projectArn = this.#arns.get(project) ?? NOWHERE;
    const arn = this.#arns.get(`${project}/${version}`) ?? NOWHERE.replace('/1', '/version/none/1');
    switch (kind) {
      case 'create-project':
        return { kind, name: project };
      case 'delete-project':
      case 'describe':
        return { kind, projectArn };
      case 'create-version':
        return { kind, projectArn, name: version };
      case 'copy': {
        const destination = this.#arns.get(to) ?? NOWHERE;
        const prefix = projectArn.replace(/\d+$/, '');
        // A source that isn't there is still named as a version of its project.
        const source = arn.startsWith(prefix) ? arn : `${prefix}version/none/1`;
        return { kind, sourceProjectArn: projectArn, source, projectArn: destination, name: as };
      }
      default:
        return { kind, arn };
    }
  }

  learn({ project, version, to, as, kind }: Request, outcome: Outcome): void {
    if ('code' in outcome || !outcome.arn) return;
    if (kind === 'create-project') this.#arns.set(project, outcome.arn);
    if (kind === 'create-version') this.#arns.set(`${project}/${version}`, outcome.arn);
    if (kind === 'copy') this.#arns.set(`${to}/${as}`, outcome.arn);
  }
}

/** The server on a directory of its own, and the states of the model that it may be in. */
class Run {
  readonly #directory: string;
  readonly #names = new Names();
  #context: Context;
  #states: State[] = [{ projects: {}, versions: {} }];

  private constructor(directory: string, context: Context) {
    this.#directory = directory;
    this.#context = context;
  }

  static async begin(): Promise<Run> {
    const directory = await mkdtemp(join(tmpdir(), 'ocellus-interleavings-'));
    const run = new Run(directory, await open(directory));
    await mkdir(join(directory, 'buckets/results'), { recursive: true });
    await writeFile(join(directory, 'buckets/results', RESULT.key), '{}');
    return run;
  }

  /** Makes the calls at the same time. Fails when no order of them explains the answers. */
  async call(requests: Request[]): Promise<void> {
    const calls = requests.map((request) => this.#names.toCall(request));
    const outcomes = await Promise.all(calls.map((call) => answer(call, this.#context)));
    for (const [index, request] of requests.entries()) this.#names.learn(request, outcomes[index]!);
    const answered = calls.map((call, index) => ({ call, outcome: outcomes[index]! }));
    this.#states = possibleAfter(this.#states, answered);
    expect(this.#states, `No order explains ${JSON.stringify(answered)}`).not.toEqual([]);
  }

  async restart(): Promise<void> {
    await closeServices(this.#context);
    this.#context = await open(this.#directory);
  }

  /** Waits until the server does nothing by itself. Fails when what is there then is none of the states. */
  async settle(): Promise<void> {
    while ((await listVersionsInStatus(this.#context.database, BUSY)).length > 0) await tick();
    const there = await everything(this.#context);
    const possible = settledOnes(this.#states);
    expect(possible.map(asListed)).toContainEqual(there);
    this.#states = possible.filter((state) => isDeepStrictEqual(asListed(state), there));
  }

  async end(): Promise<void> {
    await closeServices(this.#context);
    await rm(this.#directory, { recursive: true });
  }
}

/** Two projects with a trained version each. */
const opening = (['create-project', 'create-version'] as const).map((kind) =>
  ['a', 'b'].map((project): Request => ({ kind, project, version: 'v', to: 'a', as: 'v' })),
);

const interleavings = fc.asyncProperty(fc.array(batch, { minLength: 3, maxLength: 12 }), async (batches) => {
  const run = await Run.begin();
  try {
    for (const requests of opening) await run.call(requests);
    await run.settle();
    for (const { requests, pause, settle, restart } of batches) {
      await run.call(requests);
      if (restart) await run.restart();
      for (let i = 0; i < pause; i++) await tick();
      if (settle) await run.settle();
    }
    await run.settle();
  } finally {
    await run.end();
  }
});

test('calls at the same time are answered as if one came after the other, and nothing is lost', async () => {
  await fc.assert(interleavings, { numRuns: 25 });
}, 300_000);
