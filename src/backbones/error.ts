/** A backbone that can't be had or used. The message is for the person who named it. */
export class BackboneError extends Error {
  override name = 'BackboneError';
}

/** The same error, or a BackboneError where the disk is to blame. */
export function blameDisk(error: unknown, folder: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new BackboneError(`The disk of ${folder} is full.`, { cause: error });
}
