import { defineConfig } from 'vitest/config';

// Apart from `npm test`, because these want more than Node: `npm run test:clients`.
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: ['test/clients/**/*.test.ts'],
    globalSetup: `${import.meta.dirname}/prepare.ts`,
    testTimeout: 900_000,
    hookTimeout: 60_000,
    // Clients at a time. One of them sleeps most of the time.
    maxConcurrency: 3,
    fileParallelism: false,
  },
});
