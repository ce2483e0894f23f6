#!/usr/bin/env node
import { commandGroup } from './cli/command.ts';

const main = commandGroup(
  'ocellus',
  'Ocellus trains and serves image models behind the API of Amazon Rekognition Custom Labels.',
  {
    serve: { summary: 'start the server', load: async () => (await import('./cli/serve.ts')).serve },
    project: {
      summary: 'list, create and delete projects',
      load: async () => (await import('./cli/project.ts')).project,
    },
    dataset: {
      summary: 'import, export and check annotated images',
      load: async () => (await import('./cli/dataset.ts')).dataset,
    },
    train: {
      summary: 'train a version of a project',
      load: async () => (await import('./cli/train.ts')).train,
    },
    describe: {
      summary: 'say what a project has, and how good a version is',
      load: async () => (await import('./cli/describe.ts')).describe,
    },
    predict: {
      summary: 'say what a version sees on images',
      load: async () => (await import('./cli/predict.ts')).predict,
    },
    export: {
      summary: 'write a version as an ONNX file',
      load: async () => (await import('./cli/export.ts')).exportModel,
    },
  },
);

process.exitCode = await main(process.argv.slice(2));
