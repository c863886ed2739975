import { defineConfig } from 'vitest/config';

/** A busy machine takes its time, and processes need some to start; only a failure ever uses it up. */
const seconds = (tests: number, hooks: number) => ({ testTimeout: tests * 1000, hookTimeout: hooks * 1000 });

/**
 * Five kinds of test, from the fastest to the slowest. The last three start real ZooKeeper servers, real brokers and
 * clients that others wrote, so their files run one after the other.
 */
export default defineConfig({
  test: {
    globalSetup: 'test/support/run-directory.ts',
    projects: [
      { test: { name: 'tidy', include: ['test/tidy.test.ts'], ...seconds(60, 60) } },
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false, ...seconds(60, 60) } },
      {
        test: {
          name: 'zookeeper',
          include: ['test/zookeeper/**/*.test.ts'],
          fileParallelism: false,
          ...seconds(60, 120),
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          fileParallelism: false,
          ...seconds(240, 180),
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          fileParallelism: false,
          ...seconds(300, 600),
        },
      },
    ],
  },
});
