import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { requireVersion, type Version } from './names.ts';

const LOOK_MS = 500;

/** Looks at a version until it has left the statuses; `onLook` is told what was seen each time. */
export async function leave(
  client: Client,
  { project, version }: { project: string; version: string },
  statuses: readonly string[],
  onLook: (seen: Version) => Promise<void> | void = () => {},
): Promise<Version> {
  for (;;) {
    const seen = await requireVersion(client, project, version);
    if (!statuses.includes(seen.Status ?? '')) return seen;
    await onLook(seen);
    await sleep(LOOK_MS);
  }
}
