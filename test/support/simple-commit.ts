/** Commits offsets for a group that nobody is a member of, as its admin or a consumer without a group would. */
import { offsetCommitV8 } from '@platformatic/kafka';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { coordinatorOf } from './group-watch.ts';
import { withConnection } from './wire-client.ts';

export interface NewOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata?: string;
  readonly leaderEpoch?: number;
}

/** No generation: the commit of nobody in particular. */
const NO_GENERATION = -1;

/** Repeats itself until the group's coordinator is there and has taken it. */
export async function commitOffsets(cluster: TestCluster, group: string, offsets: readonly NewOffset[]): Promise<void> {
  const topics = offsets.map(({ topic, partition, offset, metadata = '', leaderEpoch = -1 }) => ({
    name: topic,
    partitions: [
      {
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: metadata,
      },
    ],
  }));
  await eventually(
    async () => {
      const coordinator = cluster.broker(await coordinatorOf(cluster, group));
      await withConnection(coordinator.address, (connection) =>
        offsetCommitV8.api.async(connection, group, NO_GENERATION, '', null, topics),
      );
    },
    { what: `a commit for ${group}` },
  );
}
