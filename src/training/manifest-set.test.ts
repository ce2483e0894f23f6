import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TEST_DATA, WITHOUT_TEST_DATA } from '../../test/test-data.ts';
import { boxAttribute, GOOD_BOX, imageAttribute, imageLine } from '../manifest/fixtures.ts';
import { setStatistics } from '../manifest/summary.ts';
import { FolderObjects } from '../objects/folder.ts';
import { ObjectError, type ObjectErrorReason, type ObjectStore } from '../objects/objects.ts';
import { type ManifestSet, readManifest, validationManifest } from './manifest-set.ts';

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocellus-manifest-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

/** A store that has nothing but this manifest. */
function storeOf(text: string): ObjectStore {
  const absent = () => Promise.reject(new ObjectError('no-key', 'not here'));
  return {
    hasBucket: async () => true,
    head: async () => ({ size: Buffer.byteLength(text) }),
    stream: async () => pieces(text),
    read: absent,
    write: absent,
    parallelReads: 1,
    async *list() {},
    close() {},
  };
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

const read = (text: string) => readManifest(storeOf(text), { bucket: 'b', key: 'm' }, join(scratch, 'm'));

async function validation(set: ManifestSet): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of validationManifest(set)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const statistics = (set: ManifestSet) => setStatistics(set.lines, 'NOT_DETERMINED', []);
const jsonLines = (...lines: unknown[]) =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

const mixed = jsonLines(
  imageLine('a.png', 'x'),
  'broken',
  { 'source-ref': 's3://pictures/b.png', ...boxAttribute([GOOD_BOX, [-1, 5, 9, 9, 0]]) },
  { 'source-ref': 's3://pictures/c.png' },
  imageLine('d.png', 'x', 'scene', { confidence: 3 }),
  imageLine('a.png', 'y'),
  '',
  'x'.repeat(100_001),
);

describe('readManifest and validationManifest', () => {
  it('counts every line once and lists those with errors', async () => {
    expect(statistics(await read(mixed))).toEqual({
      use_case: 'NOT_DETERMINED',
      total_json_lines: 8,
      valid_json_lines: 2,
      invalid_json_lines: 4,
      ignored_json_lines: 2,
      error_json_line_indices: [2, 3, 5, 7, 8],
      errors: [],
    });
  });

  it('keeps the first line of a repeated image', async () => {
    const set = await read(
      jsonLines(imageLine('a.png', ''), imageLine('a.png', 'x'), imageLine('a.png', 'y')),
    );
    expect(set.lines.map(({ state, labels }) => [state, ...labels])).toEqual([
      ['invalid'],
      ['valid', 'x'],
      ['ignored', 'y'],
    ]);
  });

  it('writes a validation manifest that reads like the manifest', async () => {
    const first = await read(mixed);
    const written = await validation(first);
    expect(written.split('\n')).toHaveLength(9);
    const second = await read(written);
    expect(statistics(second)).toEqual(statistics(first));
    expect(second.lines.map(({ labels, boxLabels }) => ({ labels, boxLabels }))).toEqual(
      first.lines.map(({ labels, boxLabels }) => ({ labels, boxLabels })),
    );
    // A line that was replaced has no source-ref any more; everything else stays.
    const third = await validation(second);
    expect(await validation(await read(third))).toBe(third);
  });

  it('writes only the lines of the set, and what is wrong with images', async () => {
    const set = await read(mixed);
    const lines = set.lines.filter(({ number }) => number === 1 || number === 4);
    lines[0]!.imageProblem = { code: 'ERROR_INVALID_IMAGE', place: { at: 'line' } };
    const written = (await validation({ ...set, lines })).trimEnd().split('\n');
    expect(written.map((line) => JSON.parse(line))).toEqual([
      {
        ...imageLine('a.png', 'x'),
        errors: [
          {
            code: 'ERROR_INVALID_IMAGE',
            message: 'The image is invalid. Check S3 path and/or image properties.',
          },
        ],
      },
      {
        'source-ref': 's3://pictures/c.png',
        warnings: [{ code: 'WARNING_UNANNOTATED_RECORD', message: 'Record is unannotated.' }],
      },
    ]);
  });

  it('reads the copy, not the bucket, when it writes the validation manifest', async () => {
    const text = jsonLines(imageLine('a.png', 'x'));
    const set = await read(text);
    expect(await readFile(set.file, 'utf8')).toBe(text);
    await writeFile(set.file, text.replace('"x"', '"changed"'));
    expect(await validation(set)).toContain('changed');
  });

  it('writes 50,000 lines in pieces', async () => {
    async function* many(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 50_000; i++) yield Buffer.from(jsonLines(imageLine(`${i}.png`, `label ${i % 7}`)));
    }
    const store = { ...storeOf(''), stream: async () => many() };
    const set = await readManifest(store, { bucket: 'b', key: 'm' }, join(scratch, 'm'));
    expect(statistics(set)).toMatchObject({ total_json_lines: 50_000, valid_json_lines: 50_000 });
    // A label is kept once, however many lines have it.
    expect(new Set(set.lines.flatMap(({ labels }) => labels)).size).toBe(7);
    let bytes = 0;
    for await (const chunk of validationManifest(set)) {
      expect(chunk.length).toBeLessThan(70_000);
      bytes += chunk.length;
    }
    expect(bytes).toBe((await readFile(set.file)).length);
  });

  it.each<[ObjectErrorReason, string]>([
    ['no-bucket', 'The manifest file extension or contents are invalid.'],
    ['no-key', 'The manifest file extension or contents are invalid.'],
    ['bad-key', 'The manifest file extension or contents are invalid.'],
    ['bad-version', 'The manifest file extension or contents are invalid.'],
    ['denied', 'The S3 bucket permissions are incorrect.'],
    ['too-large', 'The manifest file size exceeds the maximum supported size.'],
  ])('says of a manifest that cannot be read for the reason %s: %s', async (reason, message) => {
    const store = { ...storeOf(mixed), head: () => Promise.reject(new ObjectError(reason, 'why')) };
    const reading = readManifest(store, { bucket: 'b', key: 'm' }, join(scratch, 'm'));
    await expect(reading).rejects.toMatchObject({ name: 'ManifestError', message });
  });

  it('refuses a manifest over 1 GB before it reads any of it', async () => {
    const store: ObjectStore = {
      ...storeOf(''),
      head: async () => ({ size: 1024 ** 3 + 1 }),
      stream: () => Promise.reject(new Error('was read')),
    };
    const reading = readManifest(store, { bucket: 'b', key: 'm' }, join(scratch, 'm'));
    await expect(reading).rejects.toMatchObject({ code: 'ERROR_MANIFEST_SIZE_TOO_LARGE' });
  });

  it('passes on that the store failed', async () => {
    const store = { ...storeOf(mixed), stream: () => Promise.reject(new ObjectError('io', 'disk')) };
    const reading = readManifest(store, { bucket: 'b', key: 'm' }, join(scratch, 'm'));
    await expect(reading).rejects.toMatchObject({ name: 'ObjectError', reason: 'io' });
  });
});

const objects = new FolderObjects(TEST_DATA);
const readFrom = (bucket: string, key: string) => readManifest(objects, { bucket, key }, join(scratch, 'm'));

describe.skipIf(WITHOUT_TEST_DATA)('manifests of real sets', async () => {
  const entries = WITHOUT_TEST_DATA ? [] : await readdir(TEST_DATA, { withFileTypes: true });
  const sets = entries.filter(
    (entry) => entry.isDirectory() && entry.name !== 'pretrain' && entry.name !== 'format-samples',
  );

  it.each(
    sets.flatMap(({ name }) => [
      [name, 'train.manifest'],
      [name, 'test.manifest'],
    ]),
  )('%s %s: every line is valid', async (name, file) => {
    const set = await readFrom(name!, file!);
    expect(set.lines.length).toBeGreaterThan(10);
    expect(statistics(set)).toMatchObject({
      valid_json_lines: set.lines.length,
      error_json_line_indices: [],
    });
    expect(await validation(set)).toBe(await readFile(join(TEST_DATA, name!, file!), 'utf8'));
  });

  it('are there', () => expect(sets.length).toBeGreaterThan(5));
});

describe.skipIf(WITHOUT_TEST_DATA)('manifests written by Ground Truth', () => {
  it.each(['blue-box-large', 'blue-box-small', 'yellow-box-large', 'yellow-box-small'])(
    '%s: boxes, or none',
    async (name) => {
      const file = `groundtruth-detection-${name}.manifest`;
      const text = await readFile(join(TEST_DATA, 'format-samples', file), 'utf8');
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const annotated = lines.filter((line) => line.bb.annotations.length > 0);
      const set = await readFrom('format-samples', file);
      expect(statistics(set)).toMatchObject({
        total_json_lines: lines.length,
        valid_json_lines: annotated.length,
        ignored_json_lines: lines.length - annotated.length,
        error_json_line_indices: [],
      });
      const labels = new Set(set.lines.flatMap(({ boxLabels }) => boxLabels));
      expect([...labels]).toEqual(['storage box']);
    },
  );

  it('classification: the confidence is required, metadata may come first', async () => {
    const set = await readFrom('format-samples', 'lookout-classification.manifest');
    const written = (await validation(set))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    set.lines.forEach(({ state }, index) => {
      const metadata = written[index]['anomaly-label-metadata'];
      const complete = typeof metadata.confidence === 'number';
      expect(state).toBe(complete ? 'valid' : 'invalid');
      expect(metadata.errors?.[0].code).toBe(
        complete ? undefined : 'ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT',
      );
    });
    expect(new Set(set.lines.map(({ state }) => state)).size).toBe(2);
  });

  it('segmentation: an attribute that is not supported leaves the label', async () => {
    const set = await readFrom('format-samples', 'lookout-segmentation.manifest');
    const usable = set.lines.filter(({ state }) => state === 'valid');
    expect(usable.length).toBeGreaterThan(0);
    expect(usable.every(({ labels, hasErrors }) => labels.length === 1 && hasErrors)).toBe(true);
    const last = JSON.parse((await validation(set)).trimEnd().split('\n').at(-1)!);
    expect(last['anomaly-mask-ref-metadata'].errors).toEqual([
      {
        code: 'ERROR_UNSUPPORTED_USE_CASE_TYPE',
        message:
          'The use case type of the anomaly-mask-ref-metadata label attribute metadata is unsupported. Check the type field.',
      },
    ]);
  });
});

it('an image-level and a box label on one image are both kept', async () => {
  const set = await read(
    jsonLines({ ...imageLine('a.png', 'x'), ...imageAttribute('y', 'more'), ...boxAttribute([GOOD_BOX]) }),
  );
  expect(set.lines[0]).toMatchObject({ labels: ['x', 'y'], boxLabels: ['container'] });
});
