import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goProgram, rustProgram } from './build.ts';
import { liveWithDart } from './dart/life.ts';
import { clientEnvironment, runProgram } from './program.ts';
import { pythonTools } from './python.ts';
import { openShop } from './setup.ts';

// Every client does the whole life of a model, all of them in one server.

let shop: Awaited<ReturnType<typeof openShop>>;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(async () => {
  await shop.close();
});

const path = (relative: string) => join(import.meta.dirname, relative);
const environment = (tools: string) => {
  const env = clientEnvironment(shop.server.url);
  return { ...env, PATH: `${tools}:${env.PATH}` };
};

// First, because it waits longest: the CLI's waiters look every two minutes.
test.concurrent('AWS CLI', async () => {
  const env = environment(await pythonTools());
  const output = await runProgram({ command: path('aws-cli/life.sh'), args: [shop.pictures], env });
  expect(output).toContain('AWS CLI: the whole life of a model');
});

test.concurrent('boto3', async () => {
  const env = environment(await pythonTools());
  const output = await runProgram({ command: 'python', args: [path('boto3/life.py'), shop.pictures], env });
  expect(output).toContain('boto3: the whole life of a model');
});

test.concurrent('JavaScript', async () => {
  const args = [path('javascript/life.mjs'), shop.pictures];
  const output = await runProgram({
    command: process.execPath,
    args,
    env: clientEnvironment(shop.server.url),
  });
  expect(output).toContain('JavaScript: the whole life of a model');
});

test.concurrent('Rust', async () => {
  const command = rustProgram('ocellus-life');
  const output = await runProgram({
    command,
    args: [shop.pictures],
    env: clientEnvironment(shop.server.url),
  });
  expect(output).toContain('Rust: the whole life of a model');
});

test.concurrent('Go', async () => {
  const command = goProgram('ocellus-life');
  const output = await runProgram({
    command,
    args: [shop.pictures],
    env: clientEnvironment(shop.server.url),
  });
  expect(output).toContain('Go: the whole life of a model');
});

test.concurrent('Dart', async () => await liveWithDart(shop.server.url, shop.pictures));

test.concurrent('a path in the endpoint, as behind a proxy', async () => {
  const env = environment(await pythonTools());
  const program =
    'import boto3; print(boto3.client("rekognition").describe_projects()["ProjectDescriptions"])';
  const AWS_ENDPOINT_URL_REKOGNITION = `${shop.server.url}/base/a%20path`;
  const output = await runProgram({
    command: 'python',
    args: ['-c', program],
    env: { ...env, AWS_ENDPOINT_URL_REKOGNITION },
  });
  expect(output).toContain('[');
});
