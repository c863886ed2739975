/**
 * Who is the controller. One multi creates the ephemeral /controller and raises /controller_epoch from the version that
 * was read, so of any number of contenders exactly one wins, and the new epoch's znode version fences every write of
 * the controllers before it (Kafka's registerControllerAndIncrementControllerEpoch).
 */
import type { Operation, ZooKeeperOperations } from './operations.ts';
import { isZooKeeperError, ZooKeeperError } from './operations.ts';
import { ControllerEpochZnode, ControllerZnode } from './znodes.ts';

export type ElectionResult =
  /** `epochZkVersion` is what the winner's FencedWriter checks. */
  | { readonly elected: true; readonly controllerEpoch: number; readonly epochZkVersion: number }
  | { readonly elected: false; readonly controllerId: number };

export const NO_CONTROLLER = -1;

/** The controller's broker id; NO_CONTROLLER if there is none. Arms a watch on /controller if one is registered. */
export async function readControllerId(zk: ZooKeeperOperations): Promise<number> {
  const content = await zk.get(ControllerZnode.path);
  return content === null ? NO_CONTROLLER : ControllerZnode.decode(content.data);
}

/** How many elections there were; null before the first one. */
export async function readControllerEpoch(
  zk: ZooKeeperOperations,
): Promise<{ controllerEpoch: number; epochZkVersion: number } | null> {
  const content = await zk.get(ControllerEpochZnode.path);
  if (content === null) return null;
  return { controllerEpoch: ControllerEpochZnode.decode(content.data), epochZkVersion: content.stat.version };
}

/**
 * Tries to become controller. A /controller that this broker itself left, in this session or an earlier one of this
 * process, is replaced in the same multi: winning always means a new epoch. Do not call it while being controller.
 */
export async function electController(
  zk: ZooKeeperOperations,
  brokerId: number,
  nowMs: number,
): Promise<ElectionResult> {
  for (;;) {
    const present = await zk.get(ControllerZnode.path);
    const operations: Operation[] = [];
    if (present !== null) {
      const controllerId = ControllerZnode.decode(present.data);
      const { ephemeralOwner, version } = present.stat;
      const isMine = ephemeralOwner === zk.sessionId || zk.wasMySession(ephemeralOwner);
      if (controllerId !== brokerId || !isMine) return { elected: false, controllerId };
      operations.push({ type: 'delete', path: ControllerZnode.path, version });
    }
    const { controllerEpoch, epochZkVersion } = (await readControllerEpoch(zk)) ?? (await createEpoch(zk));
    const data = ControllerZnode.encode(brokerId, nowMs);
    operations.push(
      { type: 'create', path: ControllerZnode.path, data, ephemeral: true },
      {
        type: 'set',
        path: ControllerEpochZnode.path,
        data: ControllerEpochZnode.encode(controllerEpoch + 1),
        version: epochZkVersion,
      },
    );
    try {
      const last = (await zk.multi(operations)).at(-1);
      if (last?.type !== 'set') throw new ZooKeeperError('DATA_INCONSISTENCY', ControllerEpochZnode.path);
      return { elected: true, controllerEpoch: controllerEpoch + 1, epochZkVersion: last.stat.version };
    } catch (error) {
      // Somebody else was faster somewhere: look again.
      if (!isZooKeeperError(error, 'NODE_EXISTS', 'BAD_VERSION', 'NO_NODE')) throw error;
    }
  }
}

async function createEpoch(zk: ZooKeeperOperations): Promise<{ controllerEpoch: number; epochZkVersion: number }> {
  try {
    await zk.create(ControllerEpochZnode.path, ControllerEpochZnode.encode(0));
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    const present = await readControllerEpoch(zk);
    if (present !== null) return present;
  }
  return { controllerEpoch: 0, epochZkVersion: 0 };
}
