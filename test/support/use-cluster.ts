/** A cluster that lives as long as the tests of a file or of a describe block. */
import { afterAll, afterEach, beforeAll } from 'vitest';
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
