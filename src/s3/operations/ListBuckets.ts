import type { Answer, Call } from '../call.ts';
import { readLimit } from '../list.ts';
import { writeXml } from '../xml.ts';

export async function ListBuckets({ buckets, account, query }: Call): Promise<Answer> {
  const prefix = query.get('prefix') ?? '';
  const all = await buckets.listBuckets();
  const after = Buffer.from(query.get('continuation-token') ?? '', 'base64url').toString();
  const limit = readLimit(query, 'max-buckets', 10_000);
  const rest = all.filter(({ name }) => name.startsWith(prefix) && name > after);
  const page = rest.slice(0, limit);
  const content = {
    Owner: { ID: account },
    Buckets: { Bucket: page.map(({ name, created }) => ({ Name: name, CreationDate: created })) },
    Prefix: prefix || undefined,
    ContinuationToken:
      page.length < rest.length ? Buffer.from(page.at(-1)?.name ?? '').toString('base64url') : undefined,
  };
  return { body: writeXml('ListAllMyBucketsResult', content) };
}
