/** Whole lives of consumer groups, with librdkafka old and new and Apache Kafka's own consumer. */
import { describe, expect, it } from 'vitest';
import { confluent, javaConsumer, javaFourConsumer, kcatConsumer } from '../support/group-clients.ts';
import { GROUP_CLUSTER, tellGroupStory, tellStaticStory } from '../support/group-story.ts';
import { useCluster } from '../support/use-cluster.ts';

const cluster = useCluster(GROUP_CLUSTER);
const clients = [kcatConsumer, confluent, javaConsumer];

describe('a consumer group', () => {
  it.each(clients)('of $name loses no record and no commit, whatever becomes of its members', async (client) => {
    expect(await tellGroupStory(cluster(), client, { protocol: 'classic' })).toEqual([]);
  });

  it.each(clients)('of $name rebalances cooperatively', async (client) => {
    expect(await tellGroupStory(cluster(), client, { protocol: 'classic', isCooperative: true })).toEqual([]);
  });

  it.each(clients)('of $name does not miss a static member that comes back in time', async (client) => {
    expect(await tellStaticStory(cluster(), client, { protocol: 'classic' })).toEqual([]);
  });

  it.each([confluent, javaFourConsumer])('of $name lives by the newer protocol (KIP-848), too', async (client) => {
    expect(await tellGroupStory(cluster(), client, { protocol: 'consumer' })).toEqual([]);
  });

  it.each([confluent, javaFourConsumer])('of $name has static members in the newer protocol', async (client) => {
    expect(await tellStaticStory(cluster(), client, { protocol: 'consumer' })).toEqual([]);
  });
});
