import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from './schema.ts';
import { deleteVersion, listVersionIds } from './versions.ts';

/** The folders of project versions, named by version id: model, training outcome, logs. */
export class VersionFolders {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  path(versionId: string): string {
    return join(this.#root, versionId);
  }

  /** The version's folder, made when absent. */
  async make(versionId: string): Promise<string> {
    const folder = this.path(versionId);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Second half of a version's deletion, after DELETING is stored: its files, then its row. */
  async finishDeletion(database: Database, versionId: string): Promise<void> {
    await rm(this.path(versionId), { recursive: true, force: true });
    await deleteVersion(database, versionId);
  }

  /** Removes folders that no version owns any more. */
  async removeStrays(database: Database): Promise<void> {
    await mkdir(this.#root, { recursive: true });
    const owned = new Set(await listVersionIds(database));
    for (const name of await readdir(this.#root)) {
      if (!owned.has(name)) await rm(join(this.#root, name), { recursive: true, force: true });
    }
  }
}
