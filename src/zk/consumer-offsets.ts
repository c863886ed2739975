/**
 * Where consumers of before Kafka 0.9 keep their offsets, and where OffsetCommit and OffsetFetch v0 still do. Names
 * are the clients': what would not be one znode of its own is refused.
 */
import { isZooKeeperError, type ZooKeeperOperations } from './operations.ts';
import { ConsumerOffsetZnode } from './znodes.ts';

const ANY_VERSION = -1;

/** Null when the group has committed nothing for the partition. */
export async function readConsumerOffset(
  zk: ZooKeeperOperations,
  groupId: string,
  topic: string,
  partition: number,
): Promise<number | null> {
  const content = await zk.get(ConsumerOffsetZnode.path(groupId, topic, partition));
  return content === null ? null : ConsumerOffsetZnode.decode(groupId, topic, partition, content.data);
}

export async function writeConsumerOffset(
  zk: ZooKeeperOperations,
  groupId: string,
  topic: string,
  partition: number,
  offset: number,
): Promise<void> {
  const path = ConsumerOffsetZnode.path(groupId, topic, partition);
  const bytes = ConsumerOffsetZnode.encode(offset);
  try {
    await zk.set(path, bytes, ANY_VERSION);
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
    await zk.createRecursive(path);
    await zk.set(path, bytes, ANY_VERSION);
  }
}

/** A group id that can be the name of a znode: ZooKeeper's own rule (PathUtils.validatePath), and no slash in it. */
export function isZnodeName(groupId: string): boolean {
  if (groupId === '' || groupId === '.' || groupId === '..' || groupId.includes('/')) return false;
  for (let at = 0; at < groupId.length; at++) {
    const unit = groupId.charCodeAt(at);
    const isControl = unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f);
    if (isControl || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0) return false;
  }
  return true;
}
