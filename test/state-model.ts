import type { VersionStatus } from '../src/store/schema.ts';

// A small model of what the server keeps: which calls it accepts, and what they change. A test holds the server's
// answers to calls at the same time against it.

export const LIMITS = { projects: 2, versions: 3, trainings: 2, runningModels: 1, copies: 1 };

/** Versions of this name fail in their training. */
export const BAD_NAME = 'bad';

interface Version {
  projectArn: string;
  name: string;
  status: VersionStatus;
  /** ARN of the version that it is a copy of. */
  source?: string;
}

/** Projects and versions by their ARNs. Never changed: every call makes a new one. */
export interface State {
  projects: Record<string, { name: string }>;
  versions: Record<string, Version>;
}

export type Call =
  | { kind: 'create-project'; name: string }
  | { kind: 'delete-project'; projectArn: string }
  | { kind: 'create-version'; projectArn: string; name: string }
  | { kind: 'copy'; sourceProjectArn: string; source: string; projectArn: string; name: string }
  | { kind: 'start' | 'stop' | 'delete' | 'detect'; arn: string }
  | { kind: 'describe'; projectArn: string };

/** How a call was answered: an error's code, or what it answered with. */
export type Outcome = { code: string } | { arn?: string; statuses?: Record<string, VersionStatus> };

export interface Answered {
  call: Call;
  outcome: Outcome;
}

const IN_USE = 'ResourceInUseException';
const NOT_FOUND = 'ResourceNotFoundException';
const INVALID = 'InvalidParameterException';
const LIMIT = 'LimitExceededException';

const FAILED: VersionStatus[] = ['TRAINING_FAILED', 'COPYING_FAILED'];
const STARTABLE: VersionStatus[] = ['TRAINING_COMPLETED', 'COPYING_COMPLETED', 'STOPPED', 'FAILED'];
const DELETABLE: VersionStatus[] = [...STARTABLE, ...FAILED];
const UNCOPYABLE: VersionStatus[] = ['TRAINING_IN_PROGRESS', 'COPYING_IN_PROGRESS', 'DELETING'];

const count = (items: object) => Object.keys(items).length;

function inStatus({ versions }: State, ...statuses: VersionStatus[]): number {
  return Object.values(versions).filter(({ status }) => statuses.includes(status)).length;
}

const versionsOf = ({ versions }: State, projectArn: string) =>
  Object.values(versions).filter((version) => version.projectArn === projectArn);

/** Why a version can't be made, in the order of the reasons. */
function refuseNew(state: State, projectArn: string, name: string, busy: boolean): string | undefined {
  const existing = versionsOf(state, projectArn);
  if (!state.projects[projectArn]) return NOT_FOUND;
  if (existing.some((version) => version.name === name)) return IN_USE;
  return existing.length >= LIMITS.versions || busy ? LIMIT : undefined;
}

/** The code that the call must be refused with; undefined when it must be accepted. */
function refusal(state: State, call: Call): string | undefined {
  switch (call.kind) {
    case 'create-project':
      if (Object.values(state.projects).some(({ name }) => name === call.name)) return IN_USE;
      return count(state.projects) >= LIMITS.projects ? LIMIT : undefined;
    case 'delete-project':
      if (!state.projects[call.projectArn]) return NOT_FOUND;
      return versionsOf(state, call.projectArn).length > 0 ? IN_USE : undefined;
    case 'create-version': {
      const busy = inStatus(state, 'TRAINING_IN_PROGRESS') >= LIMITS.trainings;
      return refuseNew(state, call.projectArn, call.name, busy);
    }
    case 'copy': {
      const source = state.versions[call.source];
      if (!state.projects[call.sourceProjectArn] || !source) return NOT_FOUND;
      if (FAILED.includes(source.status)) return INVALID;
      if (!state.projects[call.projectArn]) return NOT_FOUND;
      if (UNCOPYABLE.includes(source.status)) return IN_USE;
      const busy = inStatus(state, 'COPYING_IN_PROGRESS') >= LIMITS.copies;
      return refuseNew(state, call.projectArn, call.name, busy);
    }
    case 'describe':
      return state.projects[call.projectArn] ? undefined : NOT_FOUND;
    default:
      return refuseVersion(state, call.kind, call.arn);
  }
}

function refuseVersion(
  state: State,
  kind: 'start' | 'stop' | 'delete' | 'detect',
  arn: string,
): string | undefined {
  const status = state.versions[arn]?.status;
  if (!status) return NOT_FOUND;
  switch (kind) {
    case 'start':
      if (FAILED.includes(status)) return INVALID;
      if (!STARTABLE.includes(status)) return IN_USE;
      return inStatus(state, 'STARTING', 'RUNNING') >= LIMITS.runningModels ? LIMIT : undefined;
    case 'stop':
      return status === 'RUNNING' || status === 'FAILED' ? undefined : IN_USE;
    case 'delete': {
      const copied = Object.values(state.versions).some(
        (version) => version.source === arn && version.status === 'COPYING_IN_PROGRESS',
      );
      return copied || !DELETABLE.includes(status) ? IN_USE : undefined;
    }
    case 'detect':
      return status === 'RUNNING' ? undefined : 'ResourceNotReadyException';
  }
}

function without<Value>(items: Record<string, Value>, key: string): Record<string, Value> {
  const { [key]: _, ...rest } = items;
  return rest;
}

const withVersion = (state: State, arn: string, version: Version): State => ({
  ...state,
  versions: { ...state.versions, [arn]: version },
});

const moved = (state: State, arn: string, status: VersionStatus): State =>
  withVersion(state, arn, { ...state.versions[arn]!, status });

/** The state after a call that was accepted. */
function effect(state: State, call: Call, arn = ''): State {
  switch (call.kind) {
    case 'create-project':
      return { ...state, projects: { ...state.projects, [arn]: { name: call.name } } };
    case 'delete-project':
      return { ...state, projects: without(state.projects, call.projectArn) };
    case 'create-version': {
      const { projectArn, name } = call;
      return withVersion(state, arn, { projectArn, name, status: 'TRAINING_IN_PROGRESS' });
    }
    case 'copy': {
      const { projectArn, name, source } = call;
      return withVersion(state, arn, { projectArn, name, source, status: 'COPYING_IN_PROGRESS' });
    }
    case 'start':
      return moved(state, call.arn, 'STARTING');
    case 'stop':
      return moved(state, call.arn, 'STOPPING');
    case 'delete':
      return moved(state, call.arn, 'DELETING');
    default:
      return state;
  }
}

export function statusesOf(state: State, projectArn: string): Record<string, VersionStatus> {
  return Object.fromEntries(versionsOf(state, projectArn).map(({ name, status }) => [name, status]));
}

/** The state after the call, or undefined when the call would have been answered otherwise. */
function after(state: State, { call, outcome }: Answered): State | undefined {
  const code = 'code' in outcome ? outcome.code : undefined;
  if (refusal(state, call) !== code) return undefined;
  if ('code' in outcome) return state;
  if (call.kind === 'describe' && key(outcome.statuses) !== key(statusesOf(state, call.projectArn))) {
    return undefined;
  }
  return effect(state, call, outcome.arn);
}

/** What the server does by itself with a version in a status; undefined when it leaves it alone. */
function nextStatus({ status, name, source }: Version): VersionStatus | 'gone' | undefined {
  switch (status) {
    case 'TRAINING_IN_PROGRESS':
      return name === BAD_NAME && !source ? 'TRAINING_FAILED' : 'TRAINING_COMPLETED';
    case 'COPYING_IN_PROGRESS':
      return 'COPYING_COMPLETED';
    case 'STARTING':
      return 'RUNNING';
    case 'STOPPING':
      return 'STOPPED';
    case 'DELETING':
      return 'gone';
    default:
      return undefined;
  }
}

/** The same text for the same contents, whatever their order. */
const key = (value: unknown): string =>
  JSON.stringify(value, (_key, member) =>
    typeof member === 'object' && member !== null
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

/** A set of states. */
type States = Map<string, State>;

const add = (states: States, state: State) => states.set(key(state), state);

/** The states, and all that they become when the server goes on by itself. */
function goneOn(states: States): States {
  const all: States = new Map(states);
  for (const state of all.values()) {
    for (const [arn, version] of Object.entries(state.versions)) {
      const next = nextStatus(version);
      if (next === 'gone') add(all, { ...state, versions: without(state.versions, arn) });
      else if (next) add(all, moved(state, arn, next));
    }
  }
  return all;
}

/**
 * The states that the server may be in after calls at the same time, given how each was answered: those to which some
 * order of the calls leads, with what the server does by itself between them. None: the answers can't be right.
 */
export function possibleAfter(states: State[], answered: Answered[]): State[] {
  const done: States[] = Array.from({ length: 2 ** answered.length }, () => new Map());
  for (const state of states) add(done[0]!, state);
  for (let mask = 0; mask < done.length; mask++) {
    const here = goneOn(done[mask]!);
    done[mask] = here;
    for (const [index, one] of answered.entries()) {
      if (mask & (1 << index)) continue;
      for (const state of here.values()) {
        const next = after(state, one);
        if (next) add(done[mask | (1 << index)]!, next);
      }
    }
  }
  return [...done.at(-1)!.values()];
}

/** Those of the states in which the server has nothing left to do by itself. */
export const settledOnes = (states: State[]): State[] =>
  states.filter(({ versions }) => Object.values(versions).every((version) => !nextStatus(version)));
