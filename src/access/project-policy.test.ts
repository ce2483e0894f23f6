import { expect, test } from 'vitest';
import { matchesWildcards, mayCopy, type ProjectPolicyDocument, parsePolicy } from './project-policy.ts';

const VERSION = 'arn:aws:rekognition:us-east-1:222222222222:project/harbour/version/v3/1764230000000';
const copier = { arn: 'arn:aws:iam::111111111111:role/ModelCopier', account: '111111111111' };
const owner = { arn: 'arn:aws:iam::222222222222:user/owner', account: '222222222222' };

const statement = {
  Effect: 'Allow',
  Principal: { AWS: copier.arn },
  Action: 'rekognition:CopyProjectVersion',
  Resource: VERSION,
} as Record<string, unknown>;

const parse = (...statements: object[]) =>
  parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));

/** A policy of the statement above, changed. */
function policy(change: object = {}): ProjectPolicyDocument {
  const parsed = parse({ ...statement, ...change });
  if ('wrong' in parsed) throw new Error(parsed.wrong);
  return parsed;
}

const wrong = (parsed: object) => ('wrong' in parsed ? parsed.wrong : undefined);

test('the documented example is understood, with one statement or a list of them', () => {
  expect(mayCopy([policy()], VERSION, copier)).toBe(true);
  const single = parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statement }));
  expect(single).toEqual(policy());
});

test.each([
  ['no JSON', "'{}'", /is no JSON/],
  ['a list', '[]', /document: /],
  ['nothing', '{}', /\.Statement: /],
  ['no statement', '{"Statement":[]}', /\.Statement: must have a statement/],
  ['another version', '{"Version":"2020-01-01","Statement":[]}', /\.Version: /],
  ['another member', '{"Statements":[]}', /Statement/],
])('a document that is %s is refused with the reason', (_what, text, reason) => {
  expect(wrong(parsePolicy(text))).toMatch(reason);
});

test.each(['Effect', 'Principal', 'Action', 'Resource'])('%s is required', (element) => {
  expect(wrong(parse({ ...statement, [element]: undefined }))).toContain(`Statement.0.${element}`);
});

test.each<object>([
  { NotAction: 'rekognition:*' },
  { NotPrincipal: '*' },
  { NotResource: '*' },
  { Effect: 'Maybe' },
  { Action: 'rekognition:StartProjectVersion' },
  { Action: ['rekognition:CopyProjectVersion', 's3:GetObject'] },
  { Action: [] },
  { Principal: 'everybody' },
  { Principal: { Service: 's3.amazonaws.com' } },
  { Principal: { AWS: 'not a principal' } },
  { Resource: 'project/harbour' },
  { Resource: 'arn:aws:s3:::bucket' },
  { Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } },
  { Condition: { ArnLike: { 'aws:SourceArn': '*' } } },
  { Condition: { toString: {} } },
  { Sid: 1 },
])('refused: %j', (change) => {
  expect(wrong(parse({ ...statement, ...change }))).toMatch(/^The policy document\.Statement\.0/);
});

test.each<object>([
  { Effect: 'ALLOW' },
  { Sid: 'x', Principal: '*' },
  { Principal: { AWS: '*' } },
  { Principal: { AWS: copier.account } },
  { Principal: { AWS: ['333333333333', `arn:aws:iam::${copier.account}:root`] } },
  { Action: ['rekognition:CopyProjectVersion'] },
  { Resource: '*' },
  { Resource: 'arn:aws:rekognition:us-east-1:222222222222:project/harbour/version/*' },
  { Resource: ['arn:aws:rekognition:*:project/other/*', VERSION] },
  { Principal: '*', Condition: { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/Model*' } } },
  { Principal: '*', Condition: { StringEquals: { 'AWS:principalaccount': [copier.account] } } },
  { Principal: '*', Condition: { StringNotEquals: { 'aws:PrincipalAccount': owner.account } } },
])('lets the other account copy: %j', (change) => {
  expect(mayCopy([policy(change)], VERSION, copier)).toBe(true);
});

test.each<object>([
  { Principal: { AWS: '333333333333' } },
  { Principal: { AWS: 'arn:aws:iam::111111111111:role/Other' } },
  { Resource: VERSION.replace('/v3/', '/v4/') },
  { Resource: 'arn:aws:rekognition:us-east-1:222222222222:project/harbou/version/*' },
  { Principal: '*', Condition: { StringEquals: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/Model*' } } },
  { Principal: '*', Condition: { ArnNotLike: { 'aws:PrincipalArn': '*ModelCopier' } } },
  {
    Principal: '*',
    Condition: { ArnLike: { 'aws:PrincipalArn': '*' }, StringEquals: { 'aws:PrincipalAccount': '1' } },
  },
  { Effect: 'Deny' },
])('does not let the other account copy: %j', (change) => {
  expect(mayCopy([policy(change)], VERSION, copier)).toBe(false);
});

test('without a policy the own account may copy, another may not; a Deny holds for both', () => {
  expect(mayCopy([], VERSION, owner)).toBe(true);
  expect(mayCopy([], VERSION, copier)).toBe(false);
  const deny = policy({ Effect: 'DENY', Principal: '*' });
  for (const caller of [owner, copier]) expect(mayCopy([policy(), deny], VERSION, caller)).toBe(false);
});

test.each([
  ['', '', true],
  ['*', '', true],
  ['a*c', 'abbc', true],
  ['a*c', 'abb', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['*b*b', 'abab', true],
  ['a.c', 'abc', false],
  ['abc*', 'abc', true],
  ['abc', 'abcd', false],
])('the pattern %j and the text %j: %s', (pattern, text, expected) => {
  expect(matchesWildcards(pattern, text)).toBe(expected);
});

test('a pattern of many stars ends soon', () => {
  expect(matchesWildcards('*a'.repeat(1000), 'a'.repeat(999))).toBe(false);
});
