import { api } from '../../../scripts/parity/api.ts';
import type { Members, Shape } from '../../../scripts/parity/shape.ts';
import { type Answer, readStrictly } from '../../strict-reader.ts';

// How paws.common 0.8.10 reads answers, after its source.

// biome-ignore lint/suspicious/noExplicitAny: R's lists hold anything
export type Padded = any;

/** What the call gives to an R script: every member of the shape is there, absent ones are empty vectors. */
export function readAnswer(operation: string, answer: Answer): Padded {
  const faults = readStrictly(operation, answer);
  if (faults.length > 0) throw new Error(`${operation} answered ${answer.body}: ${faults.join('; ')}`);
  if (answer.status !== 200) throw new Error(`${operation} answered ${answer.status}: ${answer.body}`);
  return pad(JSON.parse(answer.body), { kind: 'structure', members: api[operation]!.response });
}

/** The condition of a call that fails: the code comes before a `#`, and exactly one key may be called message. */
export function readCondition(operation: string, answer: Answer) {
  const faults = readStrictly(operation, answer);
  if (faults.length > 0) throw new Error(`${operation} answered ${answer.body}: ${faults.join('; ')}`);
  if (answer.status === 200) throw new Error(`${operation} should have been refused: ${answer.body}`);
  const body: Record<string, string> = JSON.parse(answer.body);
  const [code] = body.__type!.split('#');
  const messages = Object.entries(body).filter(([key]) => key.toLowerCase() === 'message');
  if (messages.length > 1) throw new Error(`two messages break the client: ${answer.body}`);
  return { class: ['paws_error', `http_${answer.status}`], code, message: messages[0]?.[1] };
}

function pad(value: unknown, shape: Shape): Padded {
  switch (shape.kind) {
    case 'structure':
      return padMembers((value ?? {}) as Record<string, unknown>, shape.members);
    case 'list':
      return ((value ?? []) as unknown[]).map((element) => pad(element, shape.element));
    case 'map':
      return value ?? {};
    default:
      return value ?? []; // character(0), numeric(0) …
  }
}

function padMembers(value: Record<string, unknown>, members: Members): Record<string, Padded> {
  return Object.fromEntries(Object.entries(members).map(([name, shape]) => [name, pad(value[name], shape)]));
}
