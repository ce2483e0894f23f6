import { ObjectError, type ObjectErrorReason } from '../objects/objects.ts';
import { type FileErrorCode, ManifestError } from './codes.ts';

/** Where the manifest is to blame, not the store. */
const CODES: Partial<Record<ObjectErrorReason, FileErrorCode>> = {
  'no-bucket': 'ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT',
  'no-key': 'ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT',
  'bad-key': 'ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT',
  'bad-version': 'ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT',
  denied: 'ERROR_INVALID_PERMISSIONS_MANIFEST_S3_BUCKET',
  'too-large': 'ERROR_MANIFEST_SIZE_TOO_LARGE',
};

/** A store's refusal to give the manifest as a {@link ManifestError}; any other error, and a failing store, as it is. */
export function asFileError(cause: unknown): unknown {
  const code = cause instanceof ObjectError ? CODES[cause.reason] : undefined;
  return code ? new ManifestError(code, { cause }) : cause;
}
