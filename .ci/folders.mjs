// Lays the images of a data set's manifests out as a person would have them: one folder per label.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [source, target] = process.argv.slice(2);
let count = 0;
for (const name of ['train.manifest', 'test.manifest']) {
  for (const text of readFileSync(join(source, name), 'utf8').trimEnd().split('\n')) {
    const line = JSON.parse(text);
    const [metadata] = Object.keys(line).filter((key) => key.endsWith('-metadata'));
    const folder = join(target, line[metadata]['class-name']);
    const path = line['source-ref'].replace(/^s3:\/\/[^/]+\//, '');
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(source, path), join(folder, basename(path)));
    count++;
  }
}
console.log(`${count} images in ${target}`);
