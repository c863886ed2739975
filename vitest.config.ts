import { defineConfig } from 'vitest/config';

/**
 * Five kinds of test, from the fastest to the slowest. The last three start real ZooKeeper servers, real brokers and
 * clients that others wrote, so their files run one after the other.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'tidy', include: ['test/tidy.test.ts'] } },
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      { test: { name: 'zookeeper', include: ['test/zookeeper/**/*.test.ts'], fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 } },
      { test: { name: 'cluster', include: ['test/cluster/**/*.test.ts'], fileParallelism: false, testTimeout: 180_000, hookTimeout: 180_000 } },
      { test: { name: 'interop', include: ['test/interop/**/*.test.ts'], fileParallelism: false, testTimeout: 300_000, hookTimeout: 600_000 } },
    ],
  },
});
