import { join } from 'node:path';
import { type DataSet, type Entry, manifest, putObject } from './data-set.ts';
import { KINDS } from './render/parts.ts';
import { renderPhoto } from './render/photo.ts';

const BUCKET = 'workshop-parts';
/** Pictures of each kind. */
const COUNTS = { train: 80, test: 20, unseen: 4 };

interface Picture extends Entry {
  photo: Buffer;
}

/** Renders the demo's own pictures of bolts, nuts and washers into a bucket below `buckets`. */
export async function renderedDataSet(
  buckets: string,
  onProgress: (done: number, total: number) => void,
): Promise<DataSet> {
  const folder = join(buckets, BUCKET);
  const total = KINDS.length * (COUNTS.train + COUNTS.test + COUNTS.unseen);
  let done = 0;
  /** Pictures of one set, in the same order every time; three at a time, since sharp works beside us. */
  const render = async (set: keyof typeof COUNTS): Promise<Picture[]> => {
    const pictures: Picture[] = [];
    for (let i = 1; i <= COUNTS[set]; i++) {
      const name = `${String(i).padStart(3, '0')}.jpg`;
      const three = KINDS.map(async (label) => ({
        key: `${set}/${label}-${name}`,
        label,
        photo: await renderPhoto(label, `${set} ${i}`),
      }));
      pictures.push(...(await Promise.all(three)));
      done += KINDS.length;
      onProgress(done, total);
    }
    return pictures;
  };
  const write = async (set: 'train' | 'test') => {
    const pictures = await render(set);
    for (const { key, photo } of pictures) await putObject(folder, key, photo);
    await putObject(folder, `${set}.manifest`, manifest(BUCKET, pictures));
    return { manifest: `${set}.manifest`, images: pictures.length };
  };
  const training = await write('train');
  const test = await write('test');
  const unseen = (await render('unseen')).map(({ key, label, photo }) => ({
    name: key,
    label,
    image: { Bytes: photo },
  }));
  return { project: 'workshop-parts', bucket: BUCKET, labels: [...KINDS], training, test, unseen };
}
