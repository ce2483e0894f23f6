import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Backbone, type BackboneDescription, openBackbone } from '../vision/backbone.ts';
import { BackboneError } from './error.ts';
import { checksumOf, syncFolder, writeJson } from './files.ts';
import { isAlive } from './lock.ts';

/** Which backbone: what a project version remembers. */
export interface BackboneRef {
  name: string;
  /** SHA-256 of the ONNX file, hexadecimal. */
  checksum: string;
}

/** A backbone in the data directory, or the one that comes with Ocellus. */
export interface InstalledBackbone extends BackboneRef {
  folder: string;
  description: BackboneDescription;
  bytes: number;
  /** The path or address that it came from. */
  from: string;
  /** Epoch milliseconds. */
  addedAt: number;
}

type Record = Pick<InstalledBackbone, 'checksum' | 'bytes' | 'from' | 'addedAt'>;

const MODEL = 'backbone.onnx';
const DESCRIPTION = 'backbone.json';
const RECORD = 'added.json';
/** What is being made has a name that starts so; a start of the server removes what a crash left. */
const UNFINISHED = '.new-';

/** Where the backbone that comes with Ocellus lies: of the form that those of the data directory have. */
const SHIPPED = fileURLToPath(new URL('../../models/backbone', import.meta.url));

export const modelPath = (folder: string) => join(folder, MODEL);

/** The backbones of a data directory. */
export function backbonesIn(dataDirectory: string): Backbones {
  return new Backbones(join(dataDirectory, 'backbones'));
}

/**
 * Backbones on disk, one folder each: `NAME-CHECKSUM/{backbone.onnx,backbone.json,added.json}`, with the
 * first twelve digits of the checksum. A folder is there whole or not at all, and is never changed. The one that comes
 * with Ocellus is used where it lies.
 */
export class Backbones {
  readonly root: string;
  readonly #shipped: string;

  constructor(root: string, shipped = SHIPPED) {
    this.root = root;
    this.#shipped = shipped;
  }

  folderOf({ name, checksum }: BackboneRef): string {
    return join(this.root, `${name}-${checksum.slice(0, 12)}`);
  }

  /** All of them, the latest first. */
  async list(): Promise<InstalledBackbone[]> {
    const names = await readdir(this.root).catch(() => []);
    const folders = names.filter((name) => !name.startsWith('.')).map((name) => join(this.root, name));
    const found = await Promise.all([...folders, this.#shipped].map((folder) => this.#read(folder)));
    return found.filter((each) => each !== undefined).sort((a, b) => b.addedAt - a.addedAt);
  }

  async find(ref: BackboneRef): Promise<InstalledBackbone | undefined> {
    const found = await Promise.all([this.folderOf(ref), this.#shipped].map((folder) => this.#read(folder)));
    return found.find((each) => each?.name === ref.name && each.checksum === ref.checksum);
  }

  /** The one that comes with Ocellus. Throws BackboneError when it isn't there, or isn't what was published. */
  async shipped(): Promise<InstalledBackbone> {
    const found = await this.#read(this.#shipped);
    const checksum = found && (await checksumOf(modelPath(found.folder)).catch(() => undefined));
    if (checksum === undefined) {
      throw new BackboneError(
        `The backbone that comes with Ocellus is not in ${this.#shipped}. Install Ocellus again, ` +
          'or set OCELLUS_BACKBONE to another one, or to none for fresh weights.',
      );
    }
    if (checksum !== found!.checksum) throw changed(found!);
    return found!;
  }

  /**
   * Opens one for training. Throws BackboneError when it is no longer there or no longer the same file.
   */
  async open(ref: BackboneRef): Promise<Backbone> {
    const installed = await this.find(ref);
    if (!installed) {
      const { name, checksum } = ref;
      throw new BackboneError(
        `The backbone ${name} (SHA-256 ${checksum}) is not in the server's data directory, ` +
          'nor does it come with this version of Ocellus. Add it again with "ocellus backbone add".',
      );
    }
    const file = await readFile(modelPath(installed.folder));
    const backbone = await openFile(file, installed.description);
    if (backbone.checksum !== ref.checksum) throw changed(installed);
    return backbone;
  }

  /**
   * Takes a file into the data directory, unless it is there, after it has been opened and run once. `place` copies or
   * moves it to the path that it is given. Throws BackboneError for a file that is no backbone.
   */
  async install(
    description: BackboneDescription,
    from: string,
    place: (path: string) => Promise<void>,
  ): Promise<InstalledBackbone> {
    await mkdir(this.root, { recursive: true });
    const scratch = join(this.root, `${UNFINISHED}${process.pid}-${Date.now()}`);
    try {
      await mkdir(scratch);
      await place(modelPath(scratch));
      const checksum = await checksumOf(modelPath(scratch));
      const present = await this.alike(description, checksum);
      if (present) return present;
      const file = await readFile(modelPath(scratch));
      await openFile(file, description);
      const record: Record = { checksum, bytes: file.length, from, addedAt: Date.now() };
      await writeJson(join(scratch, DESCRIPTION), description);
      await writeJson(join(scratch, RECORD), record);
      await syncFolder(scratch);
      const folder = this.folderOf({ name: description.name, checksum });
      await rename(scratch, folder);
      await syncFolder(this.root);
      return { ...record, name: description.name, description, folder };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  /** The installed one of this name and file. Throws BackboneError when that one is described differently. */
  async alike(description: BackboneDescription, checksum: string): Promise<InstalledBackbone | undefined> {
    const found = await this.find({ name: description.name, checksum });
    if (found && canonical(found.description) !== canonical(description)) {
      throw new BackboneError(
        `The backbone ${description.name} is there with the same file and another description. Give this one another name.`,
      );
    }
    return found;
  }

  /** Removes what processes that have ended left half made. */
  async removeRemains(): Promise<void> {
    const names = await readdir(this.root).catch(() => []);
    for (const name of names.filter((each) => each.startsWith(UNFINISHED))) {
      const owner = Number(name.slice(UNFINISHED.length).split('-')[0]);
      if (!isAlive(owner)) await rm(join(this.root, name), { recursive: true, force: true });
    }
  }

  async #read(folder: string): Promise<InstalledBackbone | undefined> {
    try {
      const [description, record] = await Promise.all(
        [DESCRIPTION, RECORD].map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))),
      );
      return { ...(record as Record), name: description.name, description, folder };
    } catch {
      return undefined; // Not one of ours.
    }
  }
}

/** Throws BackboneError for a file that is no backbone. */
export async function openFile(file: Uint8Array, description: BackboneDescription): Promise<Backbone> {
  try {
    return await openBackbone(file, description);
  } catch (error) {
    throw new BackboneError(`The backbone ${description.name} can't be used. ${(error as Error).message}`, {
      cause: error,
    });
  }
}

const changed = ({ name, folder }: InstalledBackbone) =>
  new BackboneError(`The file of the backbone ${name} was changed: ${modelPath(folder)}`);

const canonical = (description: BackboneDescription) =>
  JSON.stringify(Object.entries(description).sort(([a], [b]) => (a < b ? -1 : 1)));
