import { commandGroup } from './command.ts';

/** The whole command line. */
export const ocellus = commandGroup(
  'ocellus',
  'Ocellus trains and serves image models behind the API of Amazon Rekognition Custom Labels.',
  {
    serve: { summary: 'start the server', load: async () => (await import('./serve.ts')).serve },
    project: {
      summary: 'list, create and delete projects',
      load: async () => (await import('./project.ts')).project,
    },
    dataset: {
      summary: 'import, export and check annotated images',
      load: async () => (await import('./dataset.ts')).dataset,
    },
    train: {
      summary: 'train a version of a project',
      load: async () => (await import('./train.ts')).train,
    },
    progress: {
      summary: 'show how a training goes',
      load: async () => (await import('./progress.ts')).progress,
    },
    describe: {
      summary: 'say what a project has, and how good a version is',
      load: async () => (await import('./describe.ts')).describe,
    },
    predict: {
      summary: 'say what a version sees on images',
      load: async () => (await import('./predict.ts')).predict,
    },
    export: {
      summary: 'write a version as an ONNX file',
      load: async () => (await import('./export.ts')).exportModel,
    },
    backbone: {
      summary: 'add, list and verify networks to start from',
      load: async () => (await import('./backbone.ts')).backbone,
    },
  },
);
