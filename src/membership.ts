/**
 * This broker as a member of the cluster: its registration in ZooKeeper, renewed in every new session, and its orderly
 * departure (ControlledShutdown). Kafka's KafkaServer is the reference (createBrokerInfo, controlledShutdown).
 */
import type { BrokerConfig } from './config/broker-config.ts';
import type { Clock } from './lib/clock.ts';
import { Deferred } from './lib/deferred.ts';
import type { Logger } from './lib/logger.ts';
import type { MetadataCache } from './metadata/metadata-cache.ts';
import { type Endpoint, HTTP_LISTENER_NAME } from './model/broker.ts';
import type { ControllerChannel } from './net/controller-channel.ts';
import { Errors, errorName } from './protocol/errors.ts';
import { ControlledShutdown } from './protocol/messages/07-controlled-shutdown.ts';
import { readBrokers, registerBroker, whenBrokerIdIsFree } from './zk/brokers.ts';
import type { ZooKeeper } from './zk/zookeeper.ts';

/** Another broker advertises the address that this one is to advertise. */
export class EndpointTakenError extends Error {
  override readonly name = 'EndpointTakenError';
}

export interface MembershipOptions {
  readonly brokerId: number;
  readonly config: BrokerConfig;
  readonly zk: ZooKeeper;
  readonly metadata: MetadataCache;
  readonly clock: Clock;
  readonly logger: Logger;
}

const CONTROLLED_SHUTDOWN_VERSION = 3;
const NOT_REGISTERED = -1;

export class Membership {
  readonly #options: MembershipOptions;
  #endpoints: readonly Endpoint[] = [];
  #brokerEpoch = NOT_REGISTERED;
  /** The session of that registration. */
  #registeredIn: string | null = null;
  #isLeaving = false;
  readonly #firstRegistration = new Deferred();

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /**
   * czxid of the latest registration, -1 before the first. After a lost session it stays the old one until the broker
   * is registered again: whatever is done under it meanwhile is refused as stale, which is right.
   */
  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  /** Resolves with the first registration; null when that has been. */
  whenRegistered(): Promise<void> | null {
    return this.#brokerEpoch === NOT_REGISTERED ? this.#firstRegistration.promise : null;
  }

  /** Registered in a session that the ensemble cannot have given up. */
  get isRegistered(): boolean {
    const { zk } = this.#options;
    return this.#registeredIn === zk.sessionId && zk.isLeaseValid();
  }

  /** Its leaderships are being moved away. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /**
   * Resolves when a killed predecessor is no member any more. Before that nobody may be answered: what it led and
   * coordinated is looked for here, and a broker that knows nothing yet would say that there is nothing.
   */
  whenIdIsFree(): Promise<void> {
    const { zk, brokerId } = this.#options;
    return whenBrokerIdIsFree(zk, brokerId, this.#registration);
  }

  get #registration(): { clock: Clock; logger: Logger } {
    const { clock, logger } = this.#options;
    return { clock, logger: logger.named('kafka.zk.KafkaZkClient') };
  }

  /**
   * Registers in the present session. Rejects when another broker lives under this id, or already advertises one of the
   * endpoints: clients could not tell the two apart.
   */
  async join(endpoints: readonly Endpoint[]): Promise<void> {
    this.#endpoints = endpoints;
    await this.#refuseTakenEndpoints();
    await this.rejoin();
  }

  /** Registers again, in a new session: a new incarnation with a new broker epoch. */
  async rejoin(): Promise<void> {
    const { zk, brokerId, config } = this.#options;
    const { sessionId } = zk;
    const registration = { endpoints: this.#endpoints, rack: config.brokerRack };
    this.#brokerEpoch = await registerBroker(zk, brokerId, registration, this.#registration);
    this.#registeredIn = sessionId;
    this.#firstRegistration.resolve();
  }

  /**
   * Asks the controller to move this broker's leaderships away, and tries again while some remain
   * (controlled.shutdown.max.retries) and somebody is there who could take them. Resolves either way: a broker that
   * cannot leave in order leaves all the same.
   */
  async leave(channel: ControllerChannel): Promise<void> {
    const { config, clock, logger } = this.#options;
    this.#isLeaving = true;
    if (!config.controlledShutdownEnable || this.#brokerEpoch === NOT_REGISTERED) return;
    logger.info('Starting controlled shutdown');
    for (let attempt = 0; attempt <= config.controlledShutdownMaxRetries; attempt++) {
      if (attempt > 0) await clock.sleep(config.controlledShutdownRetryBackoffMs);
      const obstacle = this.#obstacle() ?? (await this.#tryToLeave(channel));
      if (obstacle === null) return logger.info('Controlled shutdown request returned successfully');
      logger.warn(`Controlled shutdown did not succeed: ${obstacle}`);
      if (this.#obstacle() !== null) break;
    }
    logger.warn('Leaving without a controlled shutdown: partitions led by this broker wait for an election');
  }

  /** Why asking (again) is in vain; null when it is not. */
  #obstacle(): string | null {
    const { zk, metadata, brokerId } = this.#options;
    if (!zk.isLeaseValid()) return 'ZooKeeper is out of reach, so nothing can be changed';
    const hasOthers = [...metadata.image.brokers.keys()].some((id) => id !== brokerId);
    return hasOthers ? null : 'no other broker is alive';
  }

  /** Null when no partition is led by this broker any more, else why it did not work. */
  async #tryToLeave(channel: ControllerChannel): Promise<string | null> {
    try {
      const request = { brokerId: this.#options.brokerId, brokerEpoch: this.#brokerEpoch };
      const response = await channel.send(ControlledShutdown, CONTROLLED_SHUTDOWN_VERSION, request, {
        // Kafka's answer of a broker that is not the controller (any more).
        retryWhen: ({ errorCode }) => errorCode === Errors.STALE_CONTROLLER_EPOCH,
      });
      if (response.errorCode !== Errors.NONE) return errorName(response.errorCode);
      const remaining = response.remainingPartitions.map(
        ({ topicName, partitionIndex }) => `${topicName}-${partitionIndex}`,
      );
      return remaining.length === 0 ? null : `still leading ${remaining.join(', ')}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #refuseTakenEndpoints(): Promise<void> {
    const { zk, brokerId } = this.#options;
    for (const other of await readBrokers(zk)) {
      if (other.brokerId === brokerId) continue;
      // Of HTTP a broker may say localhost, and another one on another machine as well.
      const taken = other.endpoints.filter(
        (theirs) =>
          theirs.listenerName !== HTTP_LISTENER_NAME &&
          this.#endpoints.some((ours) => ours.host === theirs.host && ours.port === theirs.port),
      );
      const names = taken.map(({ host, port }) => `${host}:${port}`).join(',');
      if (taken.length > 0)
        throw new EndpointTakenError(
          `Configured end points ${names} in advertised listeners are already registered by broker ${other.brokerId}`,
        );
    }
  }
}
