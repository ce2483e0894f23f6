import {
  DeleteDatasetCommand,
  DeleteProjectCommand,
  DescribeProjectsCommand,
  DistributeDatasetEntriesCommand,
  ListDatasetEntriesCommand,
  ListDatasetLabelsCommand,
  ListTagsForResourceCommand,
  type RekognitionClient,
  UpdateDatasetEntriesCommand,
} from '@aws-sdk/client-rekognition';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GOOD_BOX, imageAttribute, type TestBox } from '../src/manifest/fixtures.ts';
import type { JsonObject } from '../src/manifest/parsed.ts';
import {
  boxed,
  createDataset,
  describeDataset,
  ended,
  fromManifest,
  importLines,
  jsonLines,
  keys,
  labelled,
  listEntries,
  listed,
  mistyped,
  unlabelled,
  updateEntries,
} from './dataset-calls.ts';
import { createProject, refusal, startInProcess, until, Workspace } from './harness.ts';

// What the operations on data sets do. Their shapes are tested with those of every other operation.

let workspace: Workspace;
let server: Awaited<ReturnType<typeof startInProcess>>;
let client: RekognitionClient;
let projectArn: string;
let projects = 0;

beforeAll(async () => {
  workspace = await Workspace.create();
  server = await startInProcess(workspace, { OCELLUS_SEED: '1' });
  client = server.client;
  await workspace.put('manifests', 'empty.manifest', '');
});

afterAll(async () => {
  await server.close();
  await workspace.remove();
});

beforeEach(async () => {
  projectArn = await createProject(client, `parts-${projects++}`);
});

const NONE = 'arn:aws:rekognition:us-east-1:000000000000:project/none/dataset/train/1';
const FOREIGN = 'arn:aws:rekognition:us-east-1:111122223333:project/none/dataset/train/1';

/** A TRAIN data set of these lines. */
async function train(lines: (JsonObject | string)[]): Promise<string> {
  const arn = await importLines({ client, workspace }, projectArn, 'TRAIN', lines);
  expect(await ended(client, arn)).toMatchObject({ Status: 'CREATE_COMPLETE' });
  return arn;
}

async function update(arn: string, lines: (JsonObject | string)[]) {
  await updateEntries(client, arn, lines);
  return await ended(client, arn);
}

/** A data set whose creation failed. */
async function failed(): Promise<string> {
  const arn = await importLines({ client, workspace }, projectArn, 'TRAIN', ['prose']);
  expect(await ended(client, arn)).toMatchObject({ Status: 'CREATE_FAILED' });
  return arn;
}

async function labels(arn: string, input = {}) {
  const answer = await client.send(new ListDatasetLabelsCommand({ DatasetArn: arn, ...input }));
  return {
    token: answer.NextToken,
    names: answer.DatasetLabelDescriptions!.map(({ LabelName, LabelStats }) => [
      LabelName,
      LabelStats?.EntryCount,
      LabelStats?.BoundingBoxCount,
    ]),
  };
}

test.each([
  ['DescribeDataset', (arn: string) => describeDataset(client, arn)],
  ['ListDatasetEntries', (arn: string) => listEntries(client, arn)],
  ['ListDatasetLabels', (arn: string) => labels(arn)],
  ['UpdateDatasetEntries', (arn: string) => updateEntries(client, arn, [unlabelled('a')])],
  ['DeleteDataset', (arn: string) => client.send(new DeleteDatasetCommand({ DatasetArn: arn }))],
  [
    'DistributeDatasetEntries',
    (arn: string) =>
      client.send(new DistributeDatasetEntriesCommand({ Datasets: [{ Arn: arn }, { Arn: arn }] })),
  ],
  [
    'CreateDataset',
    (arn: string) => createDataset(client, projectArn, 'TEST', { DatasetSource: { DatasetArn: arn } }),
  ],
])('%s refuses the ARN of no data set, and of another account', async (_, call) => {
  expect(await refusal(call(NONE))).toMatchObject({ name: 'ResourceNotFoundException' });
  expect(await refusal(call(FOREIGN))).toMatchObject({ name: 'InvalidParameterException' });
});

describe('CreateDataset', () => {
  test('without a source the data set is empty and ready', async () => {
    const arn = await createDataset(client, projectArn, 'TEST', { DatasetSource: {} });
    const name = projectArn.split('/')[1];
    expect(arn).toMatch(
      new RegExp(`^arn:aws:rekognition:us-east-1:000000000000:project/${name}/dataset/test/\\d{13}$`),
    );
    const dataset = await describeDataset(client, arn);
    expect(dataset).toMatchObject({
      Status: 'CREATE_COMPLETE',
      StatusMessage: 'The dataset was successfully created.',
      StatusMessageCode: 'SUCCESS',
      DatasetStats: { LabeledEntries: 0, TotalEntries: 0, TotalLabels: 0, ErrorEntries: 0 },
    });
    expect(dataset.CreationTimestamp?.getTime()).toBe(Number(arn.split('/').at(-1)));
    expect(await listEntries(client, arn)).toEqual([]);
  });

  test('from a manifest it has the lines in their order; an empty manifest makes an empty data set', async () => {
    const lines = [labelled('b', 'cat'), unlabelled('a'), boxed('c', GOOD_BOX)];
    const arn = await train(lines);
    expect(await describeDataset(client, arn)).toMatchObject({
      StatusMessage: 'The dataset was successfully created from the manifest file.',
      StatusMessageCode: 'SUCCESS',
      DatasetStats: { LabeledEntries: 2, TotalEntries: 3, TotalLabels: 2, ErrorEntries: 0 },
    });
    expect(await listEntries(client, arn)).toEqual([
      listed(lines[0]!),
      {
        ...listed(lines[1]!, false),
        warnings: [{ code: 'WARNING_UNANNOTATED_RECORD', message: 'Record is unannotated.' }],
      },
      listed(lines[2]!),
    ]);
    const empty = await createDataset(client, projectArn, 'TEST', {
      DatasetSource: fromManifest('empty.manifest'),
    });
    expect(await ended(client, empty)).toMatchObject({
      Status: 'CREATE_COMPLETE',
      DatasetStats: { TotalEntries: 0 },
    });
  });

  test('lines that can be no entries are left out; more than a fifth of bad lines is too many', async () => {
    const good = Array.from({ length: 16 }, (_, i) => labelled(`${i}`, 'cat'));
    const bad = [labelled('0', 'dog'), '{"source-ref"', { ...labelled('x', 'cat'), 'source-ref': 'x' }];
    const arn = await train([...good, ...bad, mistyped('m')]);
    expect(keys(await listEntries(client, arn))).toEqual([...keys(good), 'm']);
    expect(await labels(arn)).toMatchObject({ names: [['cat', 16, undefined]] });
    const test = await importLines({ client, workspace }, projectArn, 'TEST', [
      ...good.slice(0, -1),
      ...bad,
      mistyped('m'),
    ]);
    expect(await ended(client, test)).toMatchObject({
      Status: 'CREATE_FAILED',
      StatusMessage: 'The manifest file has too many terminal errors.',
      StatusMessageCode: 'CLIENT_ERROR',
      DatasetStats: { TotalEntries: 0, TotalLabels: 0 },
    });
  });

  test('too many labels, and what is no text', async () => {
    const many = Array.from({ length: 251 }, (_, i) => labelled(`${i}`, `label ${i}`));
    const arn = await importLines({ client, workspace }, projectArn, 'TRAIN', many);
    expect(await ended(client, arn)).toMatchObject({
      Status: 'CREATE_FAILED',
      StatusMessage: 'The manifest file has too many labels.',
    });
    await workspace.put('manifests', 'picture', new Uint8Array([0xff, 0xd8, 0xff]));
    const picture = await createDataset(client, projectArn, 'TEST', {
      DatasetSource: fromManifest('picture'),
    });
    expect(await ended(client, picture)).toMatchObject({
      Status: 'CREATE_FAILED',
      StatusMessage: 'The manifest file extension or contents are invalid.',
    });
  });

  test('a manifest that cannot be read, or named, is refused at once', async () => {
    const create = (S3Object: object) =>
      createDataset(client, projectArn, 'TRAIN', { DatasetSource: { GroundTruthManifest: { S3Object } } });
    for (const place of [
      { Bucket: 'manifests', Name: 'none' },
      { Bucket: 'none', Name: 'a' },
      { Bucket: 'manifests', Name: 'empty.manifest', Version: '1' },
    ]) {
      expect(await refusal(create(place))).toMatchObject({ name: 'InvalidS3ObjectException' });
    }
    expect(await refusal(create({ Bucket: 'manifests' }))).toMatchObject({
      name: 'InvalidParameterException',
    });
    expect(await client.send(new DescribeProjectsCommand({}))).toMatchObject({
      ProjectDescriptions: expect.arrayContaining([expect.objectContaining({ Datasets: [] })]),
    });
  });

  test('a copy has the entries that its source had when it was asked for', async () => {
    const arn = await train([labelled('a', 'cat', 'dog'), mistyped('m'), ...more('cat', 5)]);
    const before = await listEntries(client, arn);
    const other = await createProject(client, `parts-${projects++}`);
    const copies = ['TRAIN', 'TEST'].map((type) =>
      createDataset(client, other, type as 'TRAIN', { DatasetSource: { DatasetArn: arn } }),
    );
    const made = await Promise.all(copies);
    await updateEntries(client, arn, [labelled('late', 'bird')]);
    for (const copy of made) {
      expect(await ended(client, copy)).toMatchObject({
        Status: 'CREATE_COMPLETE',
        StatusMessage: 'The dataset was successfully created from the dataset.',
        DatasetStats: { LabeledEntries: 7, TotalEntries: 7, TotalLabels: 2, ErrorEntries: 1 },
      });
      expect(await listEntries(client, copy)).toEqual(before);
    }
    expect(await ended(client, arn)).toMatchObject({ DatasetStats: { TotalEntries: 8 } });
  });

  test('one TRAIN and one TEST data set per project, of requests at once as well', async () => {
    const answers = await Promise.allSettled([1, 2, 3].map(() => createDataset(client, projectArn, 'TRAIN')));
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await refusal(createDataset(client, projectArn, 'TRAIN'))).toMatchObject({
      name: 'ResourceAlreadyExistsException',
    });
  });

  test('refuses two sources, a source that was not created, and a project that is not there', async () => {
    const arn = await failed();
    const create = (DatasetSource: object) => createDataset(client, projectArn, 'TEST', { DatasetSource });
    for (const source of [{ ...fromManifest('empty.manifest'), DatasetArn: arn }, { DatasetArn: arn }]) {
      expect(await refusal(create(source))).toMatchObject({ name: 'InvalidParameterException' });
    }
    expect(await refusal(createDataset(client, projectArn.replace(/\d$/, '/0'), 'TEST'))).toMatchObject({
      name: 'ValidationException',
    });
    const gone = projectArn.replace(/\d+$/, '1');
    expect(await refusal(createDataset(client, gone, 'TEST'))).toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

const more = (label: string, count: number) =>
  Array.from({ length: count }, (_, i) => labelled(`${label}-${i}`, label));

describe('DescribeProjects and DeleteProject', () => {
  test('list the data sets, and refuse while there are some', async () => {
    const [test, train] = [
      await createDataset(client, projectArn, 'TEST', { Tags: { team: 'vision' } }),
      await createDataset(client, projectArn, 'TRAIN'),
    ];
    const names = { ProjectNames: [projectArn.split('/')[1]!] };
    const { ProjectDescriptions } = await client.send(new DescribeProjectsCommand(names));
    expect(ProjectDescriptions?.[0]?.Datasets).toMatchObject([
      { DatasetArn: train, DatasetType: 'TRAIN', Status: 'CREATE_COMPLETE', StatusMessageCode: 'SUCCESS' },
      {
        DatasetArn: test,
        DatasetType: 'TEST',
        StatusMessage: 'The dataset was successfully created.',
        CreationTimestamp: new Date(Number(test.split('/').at(-1))),
      },
    ]);
    const remove = () => client.send(new DeleteProjectCommand({ ProjectArn: projectArn }));
    expect(await refusal(remove())).toMatchObject({ name: 'ResourceInUseException' });
    for (const arn of [train, test]) await deleted(arn);
    await remove();
  });
});

async function deleted(arn: string): Promise<void> {
  await client.send(new DeleteDatasetCommand({ DatasetArn: arn }));
  await until(() =>
    describeDataset(client, arn).then(
      () => false,
      (error) => error.name === 'ResourceNotFoundException',
    ),
  );
}

describe('ListDatasetEntries', () => {
  const lines = [
    labelled('birds/1', 'robin'),
    unlabelled('birds/2'),
    labelled('cats/1', 'tabby', 'robin'),
    mistyped('cats/2'),
    boxed('Cats/3', GOOD_BOX, [700, 0, 200, 100, 0]),
    ...more('filler', 8),
  ];

  test('filters by label, labelled, part of source-ref and errors, and by all of them', async () => {
    const arn = await train(lines);
    const list = async (filter: object) => {
      const found = keys(await listEntries(client, arn, { MaxResults: 3, ...filter }));
      return found.filter((key) => !key.startsWith('filler'));
    };
    expect(await list({})).toEqual(['birds/1', 'birds/2', 'cats/1', 'cats/2', 'Cats/3']);
    expect(await list({ ContainsLabels: ['robin'] })).toEqual(['birds/1', 'cats/1']);
    expect(await list({ ContainsLabels: ['container', 'tabby', 'none'] })).toEqual(['cats/1', 'Cats/3']);
    expect(await list({ ContainsLabels: ['crane'] })).toEqual([]);
    expect(await list({ ContainsLabels: ['robin'], Labeled: false })).toEqual([]);
    expect(await list({ Labeled: false })).toEqual(['birds/2']);
    expect(await list({ Labeled: true })).toEqual(['birds/1', 'cats/1', 'cats/2', 'Cats/3']);
    expect(await list({ HasErrors: true })).toEqual(['cats/2', 'Cats/3']);
    expect(await list({ HasErrors: false })).toEqual(['birds/1', 'birds/2', 'cats/1']);
    expect(await list({ SourceRefContains: 'cats/' })).toEqual(['cats/1', 'cats/2']);
    expect(await list({ SourceRefContains: '%' })).toEqual([]);
    expect(await list({ SourceRefContains: '/1', ContainsLabels: ['robin'] })).toEqual(['birds/1', 'cats/1']);
    expect(await list({ HasErrors: true, Labeled: true, SourceRefContains: 'ats' })).toHaveLength(2);
    expect(
      await list({ ContainsLabels: ['container'], HasErrors: true, Labeled: true, SourceRefContains: 'C' }),
    ).toEqual(['Cats/3']);
    expect(await list({ ContainsLabels: ['container'], HasErrors: false })).toEqual([]);
  });

  test('shows errors as cl-errors where they belong', async () => {
    const arn = await train(lines);
    const entries = await listEntries(client, arn, { HasErrors: true });
    expect(entries[0]).toEqual({
      ...listed(lines[3]!),
      'kind-metadata': {
        ...(lines[3]!['kind-metadata'] as object),
        'cl-errors': [
          {
            code: 'ERROR_UNSUPPORTED_USE_CASE_TYPE',
            message:
              'The use case type of the kind-metadata label attribute metadata is unsupported. Check the type field.',
          },
        ],
      },
      'cl-errors': [{ code: 'ERROR_NO_VALID_LABEL_ATTRIBUTES', message: 'No valid label attributes found.' }],
    });
    expect(entries[1]).toMatchObject({
      boxes: {
        annotations: [
          expect.not.objectContaining({ 'cl-errors': expect.anything() }),
          { 'cl-errors': [{ code: 'ERROR_INVALID_BOUNDING_BOX' }] },
        ],
      },
    });
  });

  test('a token is bound to its data set and filters, and survives changes of other entries', async () => {
    const arn = await train(more('cat', 5));
    const list = (input: object) =>
      client.send(new ListDatasetEntriesCommand({ DatasetArn: arn, MaxResults: 2, ...input }));
    const { NextToken } = await list({});
    for (const input of [
      { Labeled: true },
      { ContainsLabels: ['cat'] },
      { SourceRefContains: 'c' },
      { HasErrors: false },
    ]) {
      expect(await refusal(list({ NextToken, ...input }))).toMatchObject({
        name: 'InvalidPaginationTokenException',
      });
    }
    expect(await refusal(list({ NextToken: `${NextToken}x` }))).toMatchObject({
      name: 'InvalidPaginationTokenException',
    });
    await update(arn, [labelled('cat-0', 'dog'), labelled('new', 'cat')]);
    const rest = await listEntries(client, arn, { NextToken });
    expect(keys(rest)).toEqual(keys(await listEntries(client, arn)));
    const { DatasetEntries } = await list({ NextToken, MaxResults: 100 });
    expect(keys(DatasetEntries!.map((line) => JSON.parse(line)))).toEqual(['cat-2', 'cat-3', 'cat-4', 'new']);
  });
});

describe('ListDatasetLabels', () => {
  test('counts the images of each label, and those that have it on boxes, in alphabetical order', async () => {
    const two: TestBox[] = [GOOD_BOX, [10, 10, 50, 50, 1]];
    const arn = await train([
      labelled('a', 'zebra', 'ant'),
      labelled('b', 'zebra'),
      { ...boxed('c', ...two), ...imageAttribute('container', 'scene') },
      boxed('d', [1, 1, 9, 9, 0]),
      ...more('container', 3),
    ]);
    expect(await labels(arn)).toEqual({
      token: undefined,
      names: [
        ['ant', 1, undefined],
        ['container', 4, 1],
        ['crane', 1, 1],
        ['zebra', 2, undefined],
      ],
    });
    const first = await labels(arn, { MaxResults: 3 });
    const second = await labels(arn, { MaxResults: 3, NextToken: first.token });
    expect(second).toEqual({ token: undefined, names: [['zebra', 2, undefined]] });
    const foreign = new ListDatasetEntriesCommand({ DatasetArn: arn, NextToken: first.token });
    expect(await refusal(client.send(foreign))).toMatchObject({ name: 'InvalidPaginationTokenException' });
  });
});

describe('UpdateDatasetEntries', () => {
  test('replaces the entry of the same image in its place, and appends others', async () => {
    const arn = await train([labelled('a', 'cat'), labelled('b', 'dog'), labelled('c', 'dog')]);
    const lines = [unlabelled('d'), labelled('b', 'bird'), mistyped('a')];
    expect(await update(arn, lines)).toMatchObject({
      Status: 'UPDATE_COMPLETE',
      StatusMessage: 'The dataset was successfully updated.',
      StatusMessageCode: 'SUCCESS',
      DatasetStats: { LabeledEntries: 3, TotalEntries: 4, TotalLabels: 2, ErrorEntries: 1 },
    });
    const entries = await listEntries(client, arn);
    expect(keys(entries)).toEqual(['a', 'b', 'c', 'd']);
    expect(entries[1]).toEqual(listed(lines[1]!));
    expect(await labels(arn)).toMatchObject({
      names: [
        ['bird', 1, undefined],
        ['dog', 1, undefined],
      ],
    });
  });

  test('what was listed may be sent back: findings of earlier checks are dropped at every level', async () => {
    const arn = await train([mistyped('m'), boxed('b', GOOD_BOX, [700, 0, 200, 100, 0]), ...more('cat', 8)]);
    const before = await listEntries(client, arn);
    const old = { ...before[2], errors: [{ code: 'X', message: '' }], warnings: [] };
    expect(await update(arn, [...before.slice(0, 2), old])).toMatchObject({ Status: 'UPDATE_COMPLETE' });
    expect(await listEntries(client, arn)).toEqual(before);
  });

  test('fills an empty data set', async () => {
    const arn = await createDataset(client, projectArn, 'TEST');
    await update(arn, more('cat', 3));
    expect(keys(await listEntries(client, arn))).toEqual(['cat-0', 'cat-1', 'cat-2']);
  });

  test('too many lines that are no entries, or too many labels, change nothing', async () => {
    const arn = await train([labelled('a', 'cat')]);
    const before = await listEntries(client, arn);
    const refused: [string, (JsonObject | string)[]][] = [
      ['The manifest file has too many terminal errors.', [...more('dog', 3), 'prose']],
      [
        'The manifest file has too many labels.',
        [unlabelled('a'), ...Array.from({ length: 251 }, (_, i) => labelled(`${i}`, `label ${i}`))],
      ],
    ];
    for (const [message, lines] of refused) {
      expect(await update(arn, lines)).toMatchObject({
        Status: 'UPDATE_FAILED',
        StatusMessage: message,
        StatusMessageCode: 'CLIENT_ERROR',
        DatasetStats: { TotalEntries: 1, TotalLabels: 1 },
      });
      expect(await listEntries(client, arn)).toEqual(before);
    }
    expect(await update(arn, [...more('dog', 4), 'prose'])).toMatchObject({
      Status: 'UPDATE_COMPLETE',
      DatasetStats: { TotalEntries: 5 },
    });
  });

  test('refuses what is no JSON Lines, a data set that was not created, and one that is busy', async () => {
    const broken = await failed();
    const arn = await createDataset(client, projectArn, 'TEST');
    const send = (DatasetArn: string, block: string | Uint8Array) =>
      client.send(
        new UpdateDatasetEntriesCommand({ DatasetArn, Changes: { GroundTruth: Buffer.from(block) } }),
      );
    for (const block of ['prose', '\n', '[1]', new Uint8Array([0x7b, 0x7d, 0xff]), '{}\0']) {
      expect(await refusal(send(arn, block))).toMatchObject({ name: 'InvalidParameterException' });
    }
    expect(await refusal(send(broken, '{}'))).toMatchObject({ name: 'InvalidParameterException' });
    const answers = await Promise.allSettled(
      ['a', 'b', 'c'].map((key) => send(arn, jsonLines([labelled(key, 'cat')]))),
    );
    const rejected = answers.filter(({ status }) => status === 'rejected');
    for (const answer of rejected)
      expect(answer).toMatchObject({ reason: { name: 'ResourceInUseException' } });
    expect(await ended(client, arn)).toMatchObject({ DatasetStats: { TotalEntries: 3 - rejected.length } });
  });
});

describe('DistributeDatasetEntries', () => {
  const distribute = (...arns: string[]) =>
    client.send(new DistributeDatasetEntriesCommand({ Datasets: arns.map((Arn) => ({ Arn })) }));

  test('moves about a fifth of each label; entries without usable labels stay', async () => {
    const lines = [
      ...more('cat', 30),
      ...more('dog', 20),
      ...more('owl', 2),
      unlabelled('u'),
      mistyped('m'),
      ...Array.from({ length: 10 }, (_, i) => boxed(`box-${i}`, GOOD_BOX)),
    ];
    const from = await train(lines);
    const into = await createDataset(client, projectArn, 'TEST');
    expect(await distribute(into, from)).toMatchObject({});
    for (const arn of [from, into]) {
      expect(await ended(client, arn)).toMatchObject({
        Status: 'UPDATE_COMPLETE',
        StatusMessage: 'The dataset was successfully updated.',
      });
    }
    expect(await labels(into)).toMatchObject({
      names: [
        ['cat', 6, undefined],
        ['container', 2, 2],
        ['dog', 4, undefined],
        ['owl', 1, undefined],
      ],
    });
    expect(await labels(from)).toMatchObject({
      names: [
        ['cat', 24, undefined],
        ['container', 8, 8],
        ['dog', 16, undefined],
        ['owl', 1, undefined],
      ],
    });
    const [left, moved] = [await listEntries(client, from), await listEntries(client, into)];
    expect([...keys(left), ...keys(moved)].sort()).toEqual(keys(lines).sort());
    expect(await describeDataset(client, into)).toMatchObject({
      DatasetStats: { LabeledEntries: 13, TotalEntries: 13, ErrorEntries: 0 },
    });
    expect(await refusal(distribute(from, into))).toMatchObject({ name: 'InvalidParameterException' });
    // Entries that come later stand behind those that were moved.
    await update(into, [labelled('late', 'cat')]);
    expect(keys(await listEntries(client, into)).at(-1)).toBe('late');
  });

  test('too few images per label end in UPDATE_FAILED, and nothing moves', async () => {
    const from = await train([labelled('a', 'cat'), labelled('b', 'dog'), unlabelled('c')]);
    const into = await createDataset(client, projectArn, 'TEST');
    await distribute(from, into);
    for (const [arn, entries] of [
      [from, 3],
      [into, 0],
    ] as const) {
      expect(await ended(client, arn)).toMatchObject({
        Status: 'UPDATE_FAILED',
        StatusMessage: "The manifest file doesn't have enough labeled images to distribute the dataset.",
        StatusMessageCode: 'CLIENT_ERROR',
        DatasetStats: { TotalEntries: entries },
      });
    }
  });

  test('needs both data sets of one project, TRAIN filled, TEST empty, nothing going on', async () => {
    const from = await createDataset(client, projectArn, 'TRAIN');
    const into = await createDataset(client, projectArn, 'TEST');
    const elsewhere = await createDataset(client, await createProject(client, `parts-${projects++}`), 'TEST');
    for (const [a, b] of [
      [from, from],
      [from, elsewhere],
      [from, into],
    ] as const) {
      expect(await refusal(distribute(a, b))).toMatchObject({ name: 'InvalidParameterException' });
    }
    await deleted(from);
    const broken = await failed();
    expect(await refusal(distribute(broken, into))).toMatchObject({ name: 'ResourceNotReadyException' });
  });
});

describe('DeleteDataset', () => {
  test('removes the entries and the tags; the place is free again', async () => {
    const arn = await createDataset(client, projectArn, 'TRAIN', { Tags: { team: 'vision' } });
    await update(arn, more('cat', 3));
    const tags = () => client.send(new ListTagsForResourceCommand({ ResourceArn: arn }));
    expect(await tags()).toMatchObject({ Tags: { team: 'vision' } });
    await deleted(arn);
    expect(await refusal(tags())).toMatchObject({ name: 'ResourceNotFoundException' });
    const again = await createDataset(client, projectArn, 'TRAIN');
    expect(again).not.toBe(arn);
    expect(await listEntries(client, again)).toEqual([]);
    await deleted(again);
    await deleted(await failed());
  });

  test('waits for a copy that was asked for before', async () => {
    const arn = await train(more('cat', 300));
    const copy = await createDataset(client, projectArn, 'TEST', { DatasetSource: { DatasetArn: arn } });
    await deleted(arn);
    expect(await ended(client, copy)).toMatchObject({
      Status: 'CREATE_COMPLETE',
      DatasetStats: { TotalEntries: 300 },
    });
  });
});
