/** Members that the model types as float. The names mean the same in every operation. */
const floatMembers = new Set([
  'Confidence',
  'ConfidenceThreshold',
  'F1Score',
  'Height',
  'Left',
  'MinConfidence',
  'Top',
  'Width',
  'X',
  'Y',
]);

// Missing from TypeScript's library so far: text that JSON.stringify takes over as it is.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** True for the name of a float member. */
export const isFloatMember = (name: string) => floatMembers.has(name);

/** A float with a fraction even when it is whole: a client in a typed language refuses `1` for a float. */
export function formatFloat(value: number): string {
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/**
 * An answer as JSON text: timestamps are epoch seconds with milliseconds as fraction, floats have a
 * fraction, undefined and null members are left out. Throws on a float that isn't finite.
 */
export function serialize(answer: object): string {
  return JSON.stringify(answer, function (this: Record<string, unknown>, key, value) {
    const original = this[key]; // `value` of a Date is already its ISO text
    if (original instanceof Date) return original.getTime() / 1000;
    if (typeof value === 'number' && isFloatMember(key)) return rawJSON(formatFloat(value));
    return value ?? undefined;
  });
}
