import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ServiceError } from '../operations/errors.ts';
import { requireVersion, WITH_MODEL } from '../operations/lookup.ts';
import type { SignedGet } from '../protocol/signed-get.ts';
import { MODEL_FILE } from '../training/publish.ts';

/** `GET /model/VERSION-ARN`: the ONNX file of a version, as it is. Throws ResourceNotReadyException without one. */
export const model: SignedGet = {
  name: 'model',
  async handle(arn, _request, context) {
    const { id, status } = await requireVersion(arn, context);
    if (!WITH_MODEL.includes(status)) {
      throw new ServiceError(
        'ResourceNotReadyException',
        `The project version is in the ${status} state and has no model.`,
      );
    }
    const file = await open(join(context.folders.path(id), MODEL_FILE));
    const { size } = await file.stat();
    return {
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(size),
        'content-disposition': `attachment; filename="${MODEL_FILE}"`,
      },
      body: file.createReadStream(),
    };
  },
};
