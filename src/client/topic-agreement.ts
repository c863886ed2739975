/**
 * Waits until all brokers know what has become of a topic: the controller answers a change when it knows itself, and
 * the others hear of it at about the same time, but nobody waits for them.
 */
import { ConnectionError } from '../net/broker-client.ts';
import { Metadata } from '../protocol/messages/index.ts';
import type { ClusterClient, MetadataResponse, Node } from './cluster-client.ts';

export type TopicMetadata = MetadataResponse['topics'][number];

const POLL_MS = 50;

/**
 * Resolves when every broker shows the topic so, or at the deadline: what was done is done all the same. A broker that
 * cannot be reached is not waited for: nobody sees anything else there.
 */
export async function topicAgreement(
  cluster: ClusterClient,
  topic: string,
  isSo: (topic: TopicMetadata) => boolean,
  deadline: number,
): Promise<void> {
  await cluster.metadata([], 'describeCluster', { deadline });
  await Promise.all(cluster.nodes.map((node) => agreedBy(cluster, node, topic, isSo, deadline)));
}

async function agreedBy(
  cluster: ClusterClient,
  node: Node,
  topic: string,
  isSo: (topic: TopicMetadata) => boolean,
  deadline: number,
): Promise<void> {
  const { clock } = cluster;
  const request = { topics: [{ name: topic }], allowAutoTopicCreation: false };
  for (let leftMs = deadline - clock.monotonicMs(); leftMs > 0; leftMs = deadline - clock.monotonicMs()) {
    try {
      const { topics } = await cluster.send(node, Metadata, request, leftMs);
      if (topics.every(isSo)) return;
    } catch (error) {
      if (error instanceof ConnectionError) return;
      throw error;
    }
    await clock.sleep(POLL_MS);
  }
}
