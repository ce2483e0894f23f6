import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Name of the finished model in its version's folder. */
export const MODEL_FILE = 'model.onnx';

/** Puts the model into the version's folder, whole and for good, or not at all. Throws file system errors. */
export async function publishModel(folder: string, model: Uint8Array): Promise<void> {
  const temporary = join(folder, `${MODEL_FILE}.${process.pid}`);
  try {
    await sync(temporary, 'w', (file) => file.writeFile(model));
    await rename(temporary, join(folder, MODEL_FILE));
    await sync(folder, 'r');
  } finally {
    await rm(temporary, { force: true });
  }
}

type OpenFile = Awaited<ReturnType<typeof open>>;

async function sync(path: string, flags: string, change?: (file: OpenFile) => Promise<void>): Promise<void> {
  await using file = await open(path, flags);
  await change?.(file);
  await file.sync();
}
