import { InferenceSession } from 'onnxruntime-node';

/**
 * Makes an ONNX file ready to run. Errors only are logged: warnings are about graph optimisations, which users can't act
 * on. Threads sleep while they wait instead of spinning, which takes from whatever else wants the processor (docs/decisions.md).
 */
export async function openSession(file: Uint8Array): Promise<InferenceSession> {
  const extra = { session: { intra_op: { allow_spinning: '0' } } };
  return await InferenceSession.create(file, { logSeverityLevel: 3, extra });
}
