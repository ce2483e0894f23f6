import { extname } from 'node:path';

/**
 * Relative paths for objects, in the order of their keys: without the folder that all have in common, safe on every
 * file system whatever the key (`..`, `//`, control characters), and no two alike but for the extension, since a label
 * file goes by the name without it. Case doesn't count, as some file systems know none.
 */
export function fileNames(keys: readonly string[]): string[] {
  const common = commonFolder(keys);
  const taken = new Set<string>();
  return keys.map((key) => {
    const path = key.slice(common.length).split('/').map(safePart).join('/');
    const extension = extname(path);
    const stem = path.slice(0, path.length - extension.length);
    let name = stem;
    for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${stem}-${number}`;
    taken.add(name.toLowerCase());
    return name + extension;
  });
}

/** The longest beginning of all keys that ends with `/`, or nothing. */
function commonFolder(keys: readonly string[]): string {
  let common = keys[0] ?? '';
  for (const key of keys) while (!key.startsWith(common)) common = common.slice(0, -1);
  return common.slice(0, common.lastIndexOf('/') + 1);
}

/** Part names that mean something, or nothing, to a file system. */
function safePart(part: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is replaced
  const plain = part.replace(/[\x00-\x1f\x7f\\:*?"<>|]/g, '_');
  return plain === '' || /^\.+$/.test(plain) ? '_' : plain;
}
