import { randomBytes, randomInt } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config.ts';

export interface KeyPair {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Whom an access key belongs to. */
export interface Principal {
  secretAccessKey: string;
  /** IAM ARN. */
  arn: string;
  account: string;
}

/** Finds principals by access key id. Today there is one: the administrator. */
export interface Credentials {
  find(accessKeyId: string): Promise<Principal | undefined>;
}

export interface LoadedCredentials extends Credentials {
  administrator: KeyPair;
  /** True when the key pair was made by this call. */
  created: boolean;
}

const FILE_NAME = 'credentials.json';
const keyPairFile = z.object({
  accessKeyId: z.string().min(1).max(128),
  secretAccessKey: z.string().min(1).max(128),
});

/**
 * The administrator's key pair: that of the settings, else the one kept in the data directory, which is
 * made on first start. Throws an Error that says what to do when the file can't be used.
 */
export async function loadCredentials(
  config: Pick<Config, 'credentials' | 'dataDirectory' | 'accountId'>,
): Promise<LoadedCredentials> {
  const { administrator, created } = config.credentials
    ? { administrator: config.credentials, created: false }
    : await keptKeyPair(config.dataDirectory);
  const principal: Principal = {
    secretAccessKey: administrator.secretAccessKey,
    arn: `arn:aws:iam::${config.accountId}:user/administrator`,
    account: config.accountId,
  };
  return {
    administrator,
    created,
    find: async (accessKeyId) => (accessKeyId === administrator.accessKeyId ? principal : undefined),
  };
}

async function keptKeyPair(directory: string): Promise<{ administrator: KeyPair; created: boolean }> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, FILE_NAME);
  const kept = await readKeyPair(path);
  if (kept) return { administrator: kept, created: false };
  const made = { accessKeyId: newAccessKeyId(), secretAccessKey: randomBytes(30).toString('base64') };
  if (await writeOnce(path, `${JSON.stringify(made, undefined, 2)}\n`)) {
    return { administrator: made, created: true };
  }
  return { administrator: (await readKeyPair(path))!, created: false }; // another process was first
}

async function readKeyPair(path: string): Promise<KeyPair | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(path, (error as Error).message);
  }
  try {
    return keyPairFile.parse(JSON.parse(text));
  } catch {
    throw unusable(path, 'it is not {"accessKeyId": "…", "secretAccessKey": "…"}');
  }
}

function unusable(path: string, reason: string): Error {
  return new Error(
    `Cannot use ${path}: ${reason}. Put the key pair back, or delete the file and a new pair is made at ` +
      'the next start, or set OCELLUS_ACCESS_KEY_ID and OCELLUS_SECRET_ACCESS_KEY.',
  );
}

/** Like AWS's: AKIA and 16 letters or digits of base 32. */
function newAccessKeyId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return `AKIA${Array.from({ length: 16 }, () => alphabet[randomInt(alphabet.length)]).join('')}`;
}

/** Writes a file that only its owner may read, whole and durable or not at all. False when it exists. */
async function writeOnce(path: string, text: string): Promise<boolean> {
  const scratch = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(scratch, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    await link(scratch, path); // unlike a rename it doesn't replace a file
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await file.close();
    await unlink(scratch);
  }
}
