import { ManifestError } from '../manifest/codes.ts';
import { ObjectError, type ObjectRef, type ObjectStore } from '../objects/objects.ts';
import type { TrainingJob, ValidationFiles } from './outcome.ts';

/** Where every result file of a training goes. */
export interface ResultFiles extends ValidationFiles {
  evaluationSummary: ObjectRef;
  trainingOutput: ObjectRef;
  testingOutput: ObjectRef;
}

export function resultFiles({
  output,
  projectName,
  versionName,
}: Pick<TrainingJob, 'output' | 'projectName' | 'versionName'>): ResultFiles {
  const folder = output.prefix.replace(/\/+$/, '');
  const place = (name: string): ObjectRef => {
    const file = `${name}-${projectName}-${versionName}.json`;
    return { bucket: output.bucket, key: folder === '' ? file : `${folder}/${file}` };
  };
  return {
    evaluationSummary: place('EvaluationResultSummary'),
    manifestSummary: place('ManifestSummary'),
    trainingOutput: place('TrainingGroundTruth'),
    testingOutput: place('TestingGroundTruth'),
    trainingValidation: place('TrainingManifestWithValidation'),
    testingValidation: place('TestingManifestWithValidation'),
  };
}

/** Writes one result file. Throws {@link ManifestError} ERROR_CANNOT_WRITE_OUTPUT_S3_BUCKET. */
export async function writeResult(
  objects: ObjectStore,
  place: ObjectRef,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    await objects.write(place, body);
  } catch (cause) {
    if (!(cause instanceof ObjectError)) throw cause;
    throw new ManifestError('ERROR_CANNOT_WRITE_OUTPUT_S3_BUCKET', { cause });
  }
}

export async function writeJson(objects: ObjectStore, place: ObjectRef, value: object): Promise<void> {
  await writeResult(objects, place, Buffer.from(JSON.stringify(value)));
}

/** JSON Lines, made while they are written. */
export async function writeLines(
  objects: ObjectStore,
  place: ObjectRef,
  lines: Iterable<string>,
): Promise<void> {
  async function* encoded(): AsyncGenerator<Buffer> {
    for (const line of lines) yield Buffer.from(`${line}\n`);
  }
  await writeResult(objects, place, encoded());
}
