/** Which topics there are, who holds their partitions, and which are to be deleted. */
import type { ZooKeeperOperations } from './operations.ts';
import { isZooKeeperError } from './operations.ts';
import type { TopicAssignment } from './znodes.ts';
import { DeleteTopicsTopicZnode, DeleteTopicsZnode, TopicsZnode, TopicZnode } from './znodes.ts';

/** Names of all topics, sorted. Arms the watch on the list. */
export async function readTopicNames(zk: ZooKeeperOperations): Promise<string[]> {
  return ((await zk.children(TopicsZnode.path)) ?? []).sort();
}

/** The assignments of those of the topics that exist. Arms the watches on the topics that have one. */
export async function readTopicAssignments(
  zk: ZooKeeperOperations,
  topics: readonly string[],
): Promise<Map<string, TopicAssignment>> {
  const contents = await Promise.all(topics.map((topic) => zk.get(TopicZnode.path(topic))));
  const result = new Map<string, TopicAssignment>();
  for (const [index, topic] of topics.entries()) {
    const content = contents[index];
    if (content) result.set(topic, TopicZnode.decode(topic, content.data));
  }
  return result;
}

/** Topics that are marked for deletion, sorted. Arms the watch on the list. */
export async function readDeleteTopics(zk: ZooKeeperOperations): Promise<string[]> {
  return ((await zk.children(DeleteTopicsZnode.path)) ?? []).sort();
}

/** Asks the controller to delete the topic. Asking twice is no error. */
export async function markForDeletion(zk: ZooKeeperOperations, topic: string): Promise<void> {
  try {
    await zk.create(DeleteTopicsTopicZnode.path(topic), null);
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
  }
}
