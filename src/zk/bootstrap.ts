/**
 * What the first broker of a cluster leaves in ZooKeeper. Every broker runs this at its start; all of it is idempotent.
 */
import type { Random } from '../lib/random.ts';
import type { ZooKeeperOperations } from './operations.ts';
import { isZooKeeperError } from './operations.ts';
import { ClusterIdZnode, PERSISTENT_PATHS } from './znodes.ts';

export async function ensurePersistentPaths(zk: ZooKeeperOperations): Promise<void> {
  await Promise.all(PERSISTENT_PATHS.map((path) => zk.createRecursive(path)));
}

/** The cluster's id; made up and stored if this is the first broker (Kafka's getClusterId and createOrGetClusterId). */
export async function getOrCreateClusterId(zk: ZooKeeperOperations, random: Random): Promise<string> {
  const present = await zk.get(ClusterIdZnode.path);
  if (present !== null) return ClusterIdZnode.decode(present.data);
  const clusterId = newClusterId(random);
  await zk.createRecursive('/cluster');
  try {
    await zk.create(ClusterIdZnode.path, ClusterIdZnode.encode(clusterId));
    return clusterId;
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    return getOrCreateClusterId(zk, random);
  }
}

/** An id that starts with a dash would look like an option to command-line tools, so Kafka draws another. */
function newClusterId(random: Random): string {
  for (;;) {
    const clusterId = random.bytes(16).toString('base64url');
    if (!clusterId.startsWith('-')) return clusterId;
  }
}
