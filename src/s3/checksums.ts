import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc32cJs, Crc64NvmeJs } from '@aws-sdk/checksums/crc';

/** Sums up bytes as they pass. */
export interface Sum {
  update(data: Uint8Array): void;
  digest(): Promise<Uint8Array>;
}

/** The algorithms of `x-amz-checksum-…` by their names there. */
const ALGORITHMS: Record<string, () => Sum> = {
  crc32: () => {
    let value = 0;
    return {
      update: (data) => {
        value = crc32(data, value);
      },
      digest: async () => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value);
        return bytes;
      },
    };
  },
  crc32c: () => new Crc32cJs(),
  crc64nvme: () => new Crc64NvmeJs(),
  sha1: () => hash('sha1'),
  sha256: () => hash('sha256'),
};

function hash(algorithm: string): Sum {
  const sum = createHash(algorithm);
  return { update: (data) => void sum.update(data), digest: async () => sum.digest() };
}

/** Names in lower case, as in `x-amz-checksum-crc32`. */
export const CHECKSUMS = Object.keys(ALGORITHMS);

/** A sum by the algorithm's name in any case; undefined when there is none of that name. */
export function createSum(algorithm: string): Sum | undefined {
  const name = algorithm.toLowerCase();
  return Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name]!() : undefined;
}

/** Bytes of an algorithm's checksum. */
export async function checksumLength(algorithm: string): Promise<number> {
  return (await createSum(algorithm)!.digest()).length;
}
