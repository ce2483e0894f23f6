import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COLOURS, picture, startInProcess, Workspace } from '../harness.ts';

const PER_LABEL = { train: 6, test: 2 };
const SIDE = 72;

/** Pictures as the clients' programs want them: `train/LABEL/…` and `test/LABEL/…`. */
async function writePictures(folder: string): Promise<void> {
  for (const [part, count] of Object.entries(PER_LABEL)) {
    for (const [label, colour] of Object.entries(COLOURS)) {
      await mkdir(join(folder, part, label), { recursive: true });
      for (let i = 0; i < count; i++) {
        const seed = part === 'train' ? i : 100 + i;
        await writeFile(join(folder, part, label, `${i} ${part}.png`), await picture(colour, seed, SIDE));
      }
    }
  }
}

/** One server for all clients, and a folder of pictures beside its data. */
export async function openShop() {
  const workspace = await Workspace.create();
  const pictures = join(workspace.directory, 'pictures');
  await writePictures(pictures);
  const settings = { OCELLUS_MAX_TRAININGS: '20', OCELLUS_MAX_RUNNING_MODELS: '20' };
  const server = await startInProcess(workspace, settings);
  return {
    workspace,
    pictures,
    server,
    async close() {
      await server.close();
      await workspace.remove();
    },
  };
}
