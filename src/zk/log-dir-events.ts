/** How a broker tells the controller that one of its log directories failed (KIP-112). */
import type { ZooKeeperOperations } from './operations.ts';
import { LogDirEventNotificationZnode, sequenceNumber } from './znodes.ts';

/** Written by the broker whose directory failed. A lost reply may leave two, which is harmless. */
export async function notifyLogDirFailure(zk: ZooKeeperOperations, brokerId: number): Promise<void> {
  const { path, prefix, encode } = LogDirEventNotificationZnode;
  await zk.create(`${path}/${prefix}`, encode(brokerId), { sequential: true });
}

export interface LogDirEvents {
  /** Brokers that reported a failure, ascending, each once. */
  readonly brokerIds: readonly number[];
  /**
   * The notifications that were read: the controller deletes them when it is done (FencedWriter.deleteNotifications).
   */
  readonly paths: readonly string[];
}

/** Read by the controller. Arms the watch on the list. */
export async function readLogDirEvents(zk: ZooKeeperOperations): Promise<LogDirEvents> {
  const paths = await readLogDirEventPaths(zk);
  const brokerIds = new Set<number>();
  for (const content of await Promise.all(paths.map((notification) => zk.get(notification)))) {
    const brokerId = content === null ? null : LogDirEventNotificationZnode.decode(content.data);
    if (brokerId !== null) brokerIds.add(brokerId);
  }
  return { brokerIds: [...brokerIds].sort((a, b) => a - b), paths };
}

/** The notifications that are there, unread, oldest first: a new controller deletes them before it reads all states. */
export async function readLogDirEventPaths(zk: ZooKeeperOperations): Promise<string[]> {
  const { path, prefix } = LogDirEventNotificationZnode;
  const names = ((await zk.children(path)) ?? []).filter((name) => sequenceNumber(name, prefix) !== null);
  return names.sort().map((name) => `${path}/${name}`);
}
