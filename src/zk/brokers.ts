/** The brokers that are alive: each holds an ephemeral /brokers/ids/N, whose czxid is the broker epoch. */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { BrokerInfo } from '../model/broker.ts';
import type { ZooKeeperOperations } from './operations.ts';
import { ANY_VERSION, isZooKeeperError, ZooKeeperError } from './operations.ts';
import type { BrokerRegistration } from './znodes.ts';
import { ZnodeFormatError } from './znode-json.ts';
import { BrokerIdsZnode, BrokerIdZnode, BrokerSequenceIdZnode } from './znodes.ts';

export interface RegistrationContext {
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * How long to wait for another owner of the id to go away. A broker that was killed and started again meets its own
   * former registration, which lives until its session expires. Default: one and a half session timeouts and 2 s.
   */
  readonly patienceMs?: number;
}

/** Another process holds the broker's id. */
export class BrokerIdTakenError extends ZooKeeperError {
  constructor(brokerId: number, message: string) {
    super('NODE_EXISTS', BrokerIdZnode.path(brokerId), message);
  }
}

/**
 * Resolves when no other living session holds the broker's id: at once, or when that of a killed predecessor ends.
 *
 * @throws BrokerIdTakenError when another process holds the id on.
 */
export async function whenBrokerIdIsFree(
  zk: ZooKeeperOperations,
  brokerId: number,
  { clock, logger, patienceMs = zk.sessionTimeoutMs * 1.5 + 2000 }: RegistrationContext,
): Promise<void> {
  const path = BrokerIdZnode.path(brokerId);
  const deadlineMs = clock.monotonicMs() + patienceMs;
  for (let isWaiting = false; ; isWaiting = true) {
    const present = await zk.exists(path);
    if (present === null) return;
    const owner = present.ephemeralOwner;
    if (owner === zk.sessionId || zk.wasMySession(owner)) return;
    const conflict =
      `Error while creating ephemeral at ${path}, node already exists and owner '0x${owner}' ` +
      `does not match current session '0x${zk.sessionId}'`;
    const isOver = clock.monotonicMs() >= deadlineMs;
    if (isOver || !isWaiting) {
      const other = await addressesOf(zk, brokerId);
      if (isOver)
        throw new BrokerIdTakenError(
          brokerId,
          `Another broker with broker.id=${brokerId} is running (${other}). ${conflict}`,
        );
      logger.info(
        `A broker with broker.id=${brokerId} is registered already (${other}). If that was this one before it was ` +
          `killed, its session ends soon; waiting up to ${Math.ceil(patienceMs / 1000)} s for that. ${conflict}`,
      );
    }
    await clock.sleep(Math.min(250, zk.sessionTimeoutMs / 4));
  }
}

/**
 * Registers the broker in the present session and resolves with its epoch. Creating and filling the znode is one multi:
 * nobody sees it empty, and the reply of the second half carries the czxid (Kafka's CheckedEphemeral). A registration
 * that this very session holds already is kept, with its epoch; one of an earlier session of this process is replaced.
 *
 * @throws BrokerIdTakenError when another living process holds the id.
 */
export async function registerBroker(
  zk: ZooKeeperOperations,
  brokerId: number,
  registration: BrokerRegistration,
  context: RegistrationContext,
): Promise<number> {
  const { clock, logger } = context;
  const path = BrokerIdZnode.path(brokerId);
  for (;;) {
    const brokerEpoch = await tryToRegister(zk, path, BrokerIdZnode.encode(registration, clock.nowMs()));
    if (brokerEpoch !== null) {
      logger.info(`Registered broker ${brokerId} at path ${path} with epoch ${brokerEpoch}`);
      return brokerEpoch;
    }
    await whenBrokerIdIsFree(zk, brokerId, context);
    const present = await zk.exists(path);
    if (present === null) continue;
    const owner = present.ephemeralOwner;
    if (owner === zk.sessionId) return present.czxid;
    if (!zk.wasMySession(owner)) continue;
    // An expired session's znode can linger (KAFKA-7165, ZOOKEEPER-2985): it is ours, so it may be removed.
    logger.info(`Replacing ${path}, which belongs to this broker's former session 0x${owner}`);
    await zk.delete(path, present.version).catch((error: unknown) => {
      if (!isZooKeeperError(error, 'NO_NODE', 'BAD_VERSION')) throw error;
    });
  }
}

async function addressesOf(zk: ZooKeeperOperations, brokerId: number): Promise<string> {
  try {
    const endpoints = (await readBroker(zk, brokerId))?.endpoints ?? [];
    return endpoints.map(({ host, port }) => `${host}:${port}`).join(', ') || 'at an unknown address';
  } catch (error) {
    if (!(error instanceof ZnodeFormatError)) throw error;
    return error.message;
  }
}

async function tryToRegister(zk: ZooKeeperOperations, path: string, data: Buffer): Promise<number | null> {
  try {
    const [, set] = await zk.multi([
      { type: 'create', path, data: null, ephemeral: true },
      { type: 'set', path, data, version: 0 },
    ]);
    if (set?.type !== 'set') throw new ZooKeeperError('DATA_INCONSISTENCY', path);
    return set.stat.czxid;
  } catch (error) {
    if (isZooKeeperError(error, 'NODE_EXISTS')) return null;
    throw error;
  }
}

/** Changes what others read of this broker; its epoch stays. */
export async function updateRegistration(
  zk: ZooKeeperOperations,
  brokerId: number,
  registration: BrokerRegistration,
  nowMs: number,
): Promise<void> {
  await zk.set(BrokerIdZnode.path(brokerId), BrokerIdZnode.encode(registration, nowMs), ANY_VERSION);
}

/** Ids of the brokers that are alive, ascending. */
export async function readBrokerIds(zk: ZooKeeperOperations): Promise<number[]> {
  const names = (await zk.children(BrokerIdsZnode.path)) ?? [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** The broker as it is registered now, or null. */
export async function readBroker(zk: ZooKeeperOperations, brokerId: number): Promise<BrokerInfo | null> {
  const content = await zk.get(BrokerIdZnode.path(brokerId));
  return content === null ? null : BrokerIdZnode.decode(brokerId, content.data, content.stat.czxid);
}

/** All brokers that are alive, by ascending id. One that goes away while it is read is left out. */
export async function readBrokers(zk: ZooKeeperOperations): Promise<BrokerInfo[]> {
  const brokers = await Promise.all((await readBrokerIds(zk)).map((brokerId) => readBroker(zk, brokerId)));
  return brokers.filter((broker) => broker !== null);
}

/** An id that no broker had before, above the reserved ones (reserved.broker.max.id). */
export async function nextBrokerId(zk: ZooKeeperOperations, reservedBrokerMaxId = 1000): Promise<number> {
  await zk.createRecursive(BrokerSequenceIdZnode.path);
  const { version } = await zk.set(BrokerSequenceIdZnode.path, Buffer.alloc(0), ANY_VERSION);
  return reservedBrokerMaxId + version;
}
