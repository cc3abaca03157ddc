import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Two noisy cores: real processes, proofs and containers share them, so no tight limits. Many files wait for
    // blocks and slots of real time: a third works meanwhile.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Tests use @polkadot packages as ES modules beside the program's CommonJS copies; it need not be said each time.
    env: {
      POLKADOTJS_DISABLE_ESM_CJS_WARNING: '1',
      CN_CHECK_ANSWERS: '1', // every answer of every node that a test starts is held against src/api
    },
  },
})
