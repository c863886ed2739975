/** Clusters for tests: one that lives as long as a describe block, or one for a single story. */
import { afterAll, afterEach, beforeAll, onTestFailed, onTestFinished } from 'vitest';
import { type ClusterOptions, startCluster, type TestCluster } from './cluster.ts';

/** One cluster for all tests of a describe block. */
export function useCluster(options: ClusterOptions = {}): () => TestCluster {
  let cluster: TestCluster | null = null;
  beforeAll(async () => {
    cluster = await startCluster(options);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail' || cluster === null) return;
    console.error(cluster.report());
    await cluster.repair(); // So that the next test fails for its own reasons only.
  });
  afterAll(async () => {
    await cluster?.close();
  });
  return () => {
    if (cluster === null) throw new Error('the cluster is not up');
    return cluster;
  };
}

/** Runs a story on a cluster of its own. It is closed when the test ends, also when that is by its time limit. */
export async function withCluster(
  options: ClusterOptions,
  story: (cluster: TestCluster) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster(options);
  onTestFinished(() => cluster.close());
  onTestFailed(() => console.error(cluster.report()));
  await story(cluster);
}
