import { commandGroup } from './command.ts';

export const dataset = commandGroup('ocellus dataset', 'Annotated images and their manifests.', {
  import: {
    summary: 'annotated images of any usual format into a bucket',
    load: async () => (await import('./dataset-import.ts')).importDataset,
  },
  export: {
    summary: 'a manifest and its images to another format',
    load: async () => (await import('./dataset-export.ts')).exportDataset,
  },
  check: {
    summary: 'say what is wrong with a manifest, and what to do',
    load: async () => (await import('./dataset-check.ts')).checkDataset,
  },
});
