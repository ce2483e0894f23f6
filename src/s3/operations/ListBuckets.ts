import type { Answer, Call } from '../call.ts';
import { writeXml } from '../xml.ts';

export async function ListBuckets({ buckets, account, query }: Call): Promise<Answer> {
  const prefix = query.get('prefix') ?? '';
  const all = await buckets.listBuckets();
  const Bucket = all
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, created }) => ({ Name: name, CreationDate: created }));
  const content = { Owner: { ID: account }, Buckets: { Bucket }, ...(prefix && { Prefix: prefix }) };
  return { body: writeXml('ListAllMyBucketsResult', content) };
}
