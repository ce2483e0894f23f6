import { isError, stripFindings } from '../manifest/annotate.ts';
import { checkObject, parseObject } from '../manifest/line.ts';
import type { ParsedLine } from '../manifest/parsed.ts';
import type { Entry } from '../store/entries.ts';

export interface CheckedEntry extends Entry {
  /** It is kept with its errors, but can't be used. */
  invalid: boolean;
}

/**
 * A manifest line as an entry, or undefined when a terminal content error drops it: too long, no JSON object, no or a
 * bad `source-ref`.
 */
export function toEntry(text: string | undefined, position: number): CheckedEntry | undefined {
  const object = parseObject(text);
  const parsed = checkObject(object);
  if (text === undefined || object === undefined || !parsed.image) return undefined;
  const boxed = new Set(parsed.boxes.map((box) => box.label));
  const { problems, state } = parsed;
  return {
    position,
    sourceRef: object['source-ref'] as string,
    line: stripFindings(object) ? JSON.stringify(object) : text.trim(),
    labeled: isLabeled(parsed),
    hasErrors: problems.some(isError),
    hasFindings: problems.length > 0,
    labels: [...new Set([...parsed.labels, ...boxed])].map((label) => ({ label, boxed: boxed.has(label) })),
    invalid: state === 'invalid',
  };
}

/** An image with a label attribute is labelled, even when the attribute can't be used. */
function isLabeled({ state, problems }: ParsedLine): boolean {
  return state !== 'ignored' && !problems.some(({ code }) => code === 'ERROR_NO_LABEL_ATTRIBUTES');
}
