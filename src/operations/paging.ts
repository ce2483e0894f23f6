import { ServiceError } from './errors.ts';
import type { Context } from './operation.ts';

const PAGE_SIZE = 100;

interface PageRequest {
  MaxResults?: number;
  NextToken?: string;
}

/** One page of a listing that runs from new to old. Throws InvalidPaginationTokenException. */
export async function readPage<Item extends { createdAt: number }>(
  request: PageRequest,
  query: unknown,
  context: Context,
  list: (position: { before?: number; limit: number }) => Promise<Item[]>,
): Promise<Page<Item>> {
  return await readPageBy(
    request,
    query,
    context,
    ({ createdAt }) => createdAt,
    ({ from: before, limit }) => list({ before, limit }),
  );
}

interface Page<Item> {
  items: Item[];
  nextToken: string | undefined;
}

/**
 * One page of a listing that is sorted by `key`. `query` identifies the listing and its filters; `list` gets the key of
 * the last item of the page before. Throws InvalidPaginationTokenException.
 */
export async function readPageBy<Item>(
  { MaxResults: size = PAGE_SIZE, NextToken }: PageRequest,
  query: unknown,
  context: Context,
  key: (item: Item) => number,
  list: (position: { from?: number; limit: number }) => Promise<Item[]>,
): Promise<Page<Item>> {
  const from = NextToken ? context.pageTokens.read(query, NextToken) : undefined;
  if (NextToken && from === undefined) {
    throw new ServiceError('InvalidPaginationTokenException', 'Invalid Pagination Token');
  }
  // One more than asked for tells whether another page follows.
  const found = await list({ from, limit: size + 1 });
  const items = found.slice(0, size);
  const last = items.at(-1);
  const more = found.length > size && last !== undefined;
  return { items, nextToken: more ? context.pageTokens.write(query, key(last)) : undefined };
}
