/** Whole lives of consumer groups, with the consumers that Node programs use. */
import { describe, expect, it } from 'vitest';
import { kafkajs, platformatic } from '../support/group-clients.ts';
import { GROUP_CLUSTER, tellGroupStory } from '../support/group-story.ts';
import { useCluster } from '../support/use-cluster.ts';

const cluster = useCluster(GROUP_CLUSTER);

describe('a consumer group', () => {
  it.each([kafkajs, platformatic])(
    'of $name loses no record and no commit, whatever becomes of its members',
    async (client) => {
      expect(await tellGroupStory(cluster(), client, { protocol: 'classic' })).toEqual([]);
    },
  );

  it('of @platformatic/kafka lives by the newer protocol (KIP-848), too', async () => {
    expect(await tellGroupStory(cluster(), platformatic, { protocol: 'consumer' })).toEqual([]);
  });
});
