import { z } from 'zod';

// A resource policy of a project lets principals of other accounts copy its versions. The document is IAM's policy
// language with one action: https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/md-create-project-policy-sdk.html

const ACTION = 'rekognition:CopyProjectVersion';

const oneOrMore = z
  .union([z.string(), z.array(z.string()).min(1)], 'must be a text or a list of texts')
  .transform((value) => [value].flat());

const effect = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.enum(['allow', 'deny'], 'must be Allow or Deny'));

const awsPrincipal = /^(\*|\d{12}|arn:[a-z\d-]+:(iam|sts)::\d{12}:\S+)$/;
const principal = z
  .union([z.literal('*'), z.strictObject({ AWS: oneOrMore })], 'must be "*" or {"AWS": …}')
  .transform((value) => (value === '*' ? ['*'] : value.AWS))
  .refine(
    (values) => values.every((value) => awsPrincipal.test(value)),
    'has a value that is no IAM principal',
  );

const action = oneOrMore.refine(
  (values) => values.every((value) => value.toLowerCase() === ACTION.toLowerCase()),
  `must be ${ACTION}`,
);

const resource = oneOrMore.refine(
  (values) => values.every((value) => value === '*' || /^arn:[^:]+:rekognition:/.test(value)),
  'must be the ARN of a project version, or "*"',
);

/** Condition operators: whether they compare with wildcards, and whether they ask for the opposite. */
const operators: Record<string, { wildcards: boolean; negated: boolean }> = {
  ArnEquals: { wildcards: true, negated: false },
  ArnLike: { wildcards: true, negated: false },
  ArnNotEquals: { wildcards: true, negated: true },
  ArnNotLike: { wildcards: true, negated: true },
  StringEquals: { wildcards: false, negated: false },
  StringLike: { wildcards: true, negated: false },
  StringNotEquals: { wildcards: false, negated: true },
  StringNotLike: { wildcards: true, negated: true },
};

/** What a condition may look at, in lower case since IAM's keys have no case. */
const conditionKeys: Record<string, (caller: PolicyCaller) => string> = {
  'aws:principalarn': (caller) => caller.arn,
  'aws:principalaccount': (caller) => caller.account,
};

const condition = z
  .record(z.string(), z.record(z.string(), oneOrMore), 'must be a map of operators')
  .superRefine((conditions, context) => {
    for (const [operator, tests] of Object.entries(conditions)) {
      if (!Object.hasOwn(operators, operator)) context.addIssue(`has the unsupported operator ${operator}`);
      for (const key of Object.keys(tests)) {
        if (Object.hasOwn(conditionKeys, key.toLowerCase())) continue;
        context.addIssue(`has the unsupported key ${key}`);
      }
    }
  });

// Strict, so that NotAction, NotPrincipal and NotResource, which are forbidden, are refused as well as slips.
const statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: effect,
  Principal: principal,
  Action: action,
  Resource: resource,
  Condition: condition.optional(),
});

const document = z.strictObject({
  Version: z.enum(['2012-10-17', '2008-10-17']).optional(),
  Id: z.string().optional(),
  Statement: z.preprocess(
    (value) => (value === undefined ? value : [value].flat()),
    z.array(statement).min(1, 'must have a statement'),
  ),
});

type Statement = z.output<typeof statement>;
export type ProjectPolicyDocument = z.output<typeof document>;

/** Who wants to copy. */
export interface PolicyCaller {
  arn: string;
  account: string;
}

/** The policy that a document holds, or what is wrong with it. */
export function parsePolicy(text: string): ProjectPolicyDocument | { wrong: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { wrong: `The policy document is no JSON: ${(error as Error).message}` };
  }
  const { data, error } = document.safeParse(value);
  if (data) return data;
  const [issue] = error.issues;
  const place = ['The policy document', ...issue!.path.map(String)].join('.');
  return { wrong: `${place}: ${issue!.message}` };
}

/**
 * Whether the policies of a project let the caller copy one of its versions: somebody of the version's account
 * unless a policy forbids it, others only when one allows it and none forbids it.
 */
export function mayCopy(
  policies: ProjectPolicyDocument[],
  versionArn: string,
  caller: PolicyCaller,
): boolean {
  const matching = policies
    .flatMap((policy) => policy.Statement)
    .filter((each) => matches(each, versionArn, caller));
  if (matching.some((each) => each.Effect === 'deny')) return false;
  return caller.account === versionArn.split(':')[4] || matching.length > 0;
}

function matches(each: Statement, versionArn: string, caller: PolicyCaller): boolean {
  return (
    each.Principal.some((value) => isPrincipal(value, caller)) &&
    each.Resource.some((pattern) => matchesWildcards(pattern, versionArn)) &&
    Object.entries(each.Condition ?? {}).every(([operator, tests]) => holds(operator, tests, caller))
  );
}

/** `*`, an account's number or root for everybody in it, or the caller's own ARN. */
function isPrincipal(value: string, { arn, account }: PolicyCaller): boolean {
  if (value === '*' || value === account || value === arn) return true;
  return /^arn:[a-z\d-]+:iam::(\d{12}):root$/.exec(value)?.[1] === account;
}

function holds(operator: string, tests: Record<string, string[]>, caller: PolicyCaller): boolean {
  const { wildcards, negated } = operators[operator]!;
  return Object.entries(tests).every(([key, values]) => {
    const actual = conditionKeys[key.toLowerCase()]!(caller);
    const found = values.some((value) => (wildcards ? matchesWildcards(value, actual) : value === actual));
    return found !== negated;
  });
}

/**
 * `*` stands for any characters, `?` for one. Greedy with one step back to the last `*`, since a regular expression
 * of many stars could take for ever.
 */
export function matchesWildcards(pattern: string, text: string): boolean {
  let p = 0;
  let star = -1;
  let resume = 0;
  for (let t = 0; t < text.length; ) {
    if (pattern[p] === '*') {
      star = p++;
      resume = t;
    } else if (pattern[p] === '?' || pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(p));
}
