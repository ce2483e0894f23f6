import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'demo/**/*.test.ts', 'scripts/**/*.test.ts'],
    // They want more than Node: `npm run test:clients`.
    exclude: [...configDefaults.exclude, 'test/clients/**'],
    // For what hangs: a machine that is busy with other things takes a minute for what is a matter of seconds.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Training and ONNX Runtime use every core by themselves: two files at a time are enough on two cores.
    maxWorkers: 2,
  },
});
