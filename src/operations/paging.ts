import { ServiceError } from './errors.ts';
import type { Context } from './operation.ts';

const PAGE_SIZE = 100;

interface PageRequest {
  MaxResults?: number;
  NextToken?: string;
}

/**
 * One page of a listing that runs from new to old. `query` identifies the listing and its filters; `list` gets the
 * time to go on from. Throws InvalidPaginationTokenException.
 */
export async function readPage<Item extends { createdAt: number }>(
  { MaxResults: size = PAGE_SIZE, NextToken }: PageRequest,
  query: unknown,
  context: Context,
  list: (position: { before?: number; limit: number }) => Promise<Item[]>,
): Promise<{ items: Item[]; nextToken: string | undefined }> {
  const before = NextToken ? context.pageTokens.read(query, NextToken) : undefined;
  if (NextToken && before === undefined) {
    throw new ServiceError('InvalidPaginationTokenException', 'Invalid Pagination Token');
  }
  // One more than asked for tells whether another page follows.
  const found = await list({ before, limit: size + 1 });
  const items = found.slice(0, size);
  const last = items.at(-1);
  const more = found.length > size && last;
  return { items, nextToken: more ? context.pageTokens.write(query, last.createdAt) : undefined };
}
