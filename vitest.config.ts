import { defineConfig } from 'vitest/config';

/** Tests that start processes need time; only a failure ever uses it up. */
const seconds = (tests: number, hooks: number) => ({ testTimeout: tests * 1000, hookTimeout: hooks * 1000 });

/**
 * Five kinds of test, from the fastest to the slowest. The last three start real ZooKeeper servers, real brokers and
 * clients that others wrote, so their files run one after the other.
 */
export default defineConfig({
  test: {
    globalSetup: 'test/support/run-directory.ts',
    projects: [
      { test: { name: 'tidy', include: ['test/tidy.test.ts'] } },
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
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
