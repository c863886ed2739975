/**
 * Tells the brokers what the controller decided: for each broker one sender with one request in flight, so that what a
 * broker is told keeps its order. What is owed is kept in PendingUpdates; a failure of any kind makes the broker owed
 * everything, and the sender tries again, with a pause, until the broker's registration is gone.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import type { Logger } from '../lib/logger.ts';
import type { BrokerInfo } from '../model/broker.ts';
import { type ErrorName, errorName } from '../protocol/errors.ts';
import { LeaderAndIsr } from '../protocol/messages/04-leader-and-isr.ts';
import { StopReplica } from '../protocol/messages/05-stop-replica.ts';
import { UpdateMetadata } from '../protocol/messages/06-update-metadata.ts';
import type { Api, RequestIn, ResponseOut } from '../protocol/schema.ts';
import {
  LEADER_AND_ISR_VERSION,
  type ReplicaStop,
  STOP_REPLICA_VERSION,
  UPDATE_METADATA_VERSION,
} from './broker-requests.ts';
import type { ControlledPartition, ControlledTopic, ControllerState } from './controller-state.ts';
import { type BrokerRequest, PendingUpdates } from './pending-updates.ts';

/** A connection to one broker; `net/broker-client.ts` fits. */
export interface BrokerConnection {
  send<A extends Api>(
    api: A,
    version: number,
    request: RequestIn<A>,
    options?: { readonly timeoutMs: number },
  ): Promise<ResponseOut<A>>;
  close(): void;
}

export type ConnectToBroker = (broker: BrokerInfo) => BrokerConnection;

/** Answers and refusals that matter; called in the turn in which they arrive, so they must only take note. */
export interface ChannelListener {
  onLeaderAndIsrResponse(brokerId: number, response: ResponseOut<typeof LeaderAndIsr>): void;
  onStopReplicaResponse(
    brokerId: number,
    stops: readonly ReplicaStop[],
    response: ResponseOut<typeof StopReplica>,
  ): void;
  /** A broker knows of a later controller. */
  onStaleControllerEpoch(): void;
}

export interface BrokerChannelsOptions {
  readonly controllerId: number;
  readonly interBrokerListenerName: string;
  readonly requestTimeoutMs: number;
  readonly state: ControllerState;
  readonly connect: ConnectToBroker;
  readonly listener: ChannelListener;
  readonly clock: Clock;
  readonly logger: Logger;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
/** What one inquiry did not cure, many will not either. */
const INQUIRY_PAUSE_MS = 5000;

export class BrokerChannels {
  readonly #options: BrokerChannelsOptions;
  readonly #channels = new Map<number, BrokerChannel>();

  constructor(options: BrokerChannelsOptions) {
    this.#options = options;
  }

  /**
   * Begins to tell the broker everything. Whatever was owed to its former incarnation is forgotten. A broker that
   * cannot be spoken to (without the listener of the brokers, say) is told nothing; the others must not suffer for it.
   */
  addBroker(broker: BrokerInfo): void {
    const { brokerId } = broker;
    this.removeBroker(brokerId);
    try {
      this.#channels.set(brokerId, new BrokerChannel(broker, this.#options));
    } catch (error) {
      this.#options.logger.error(`Broker ${brokerId} registered, but there is no way to speak to it`, error);
    }
  }

  removeBroker(brokerId: number): void {
    this.#channels.get(brokerId)?.close();
    this.#channels.delete(brokerId);
  }

  /** The partition has another state: its replicas learn it, and everybody's metadata. */
  announce(partition: ControlledPartition, isNew = false): void {
    const { state } = this.#options;
    for (const brokerId of partition.assignment.replicas)
      if (!state.isReplicaOffline(brokerId, partition.key))
        this.#channels.get(brokerId)?.update((pending) => pending.addLeaderAndIsr(partition, isNew));
    this.announceMetadata(partition);
  }

  /** Its ISR changed at its leader's own wish, or it is on its way out: only metadata changes. */
  announceMetadata(partition: ControlledPartition): void {
    for (const channel of this.#channels.values()) channel.update((pending) => pending.addMetadata(partition));
  }

  /** One replica is told its state once more. */
  remind(brokerId: number, partition: ControlledPartition): void {
    this.#channels.get(brokerId)?.update((pending) => pending.addLeaderAndIsr(partition, false));
  }

  /** The broker is told everything it hosts, so that it answers how each replica is. */
  inquire(brokerId: number): void {
    this.#channels.get(brokerId)?.update((pending) => pending.addAllLeaderAndIsr());
  }

  /** The same in a while. However often this is asked for meanwhile, the broker is told once. */
  inquireLater(brokerId: number): void {
    this.#channels.get(brokerId)?.inquireLater();
  }

  announceBrokers(): void {
    for (const channel of this.#channels.values()) channel.update((pending) => pending.addBrokers());
  }

  stopReplica(brokerId: number, stop: ReplicaStop): void {
    this.#channels.get(brokerId)?.update((pending) => pending.addStop(stop));
  }

  /** The topic is not known any more; `wasAnnounced` if the brokers were told that it is on its way out. */
  removeTopic({ topic, topicId, partitions }: ControlledTopic, wasAnnounced: boolean): void {
    for (const channel of this.#channels.values())
      channel.update((pending) => {
        for (const partition of partitions.keys()) pending.addRemoved({ topic, topicId, partition }, wasAnnounced);
      });
  }

  /** Resolves when every broker was told everything that it was owed at some moment from now on, or after the time. */
  async whenTold(timeoutMs: number): Promise<void> {
    const isOver = new Deferred();
    const timer = this.#options.clock.schedule(timeoutMs, () => isOver.resolve());
    const isTold = Promise.all([...this.#channels.values()].map((channel) => channel.whenIdle()));
    await Promise.race([isTold, isOver.promise]);
    timer.cancel();
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }
}

class BrokerChannel {
  readonly #broker: BrokerInfo;
  readonly #options: BrokerChannelsOptions;
  readonly #pending = new PendingUpdates();
  readonly #connection: BrokerConnection;
  #wake = new Deferred();
  #idle = new Deferred();
  #isWaiting = false;
  #isClosed = false;
  #pause: { timer: Timer; over: Deferred } | null = null;
  #failures = 0;
  #inquiry: Timer | null = null;

  constructor(broker: BrokerInfo, options: BrokerChannelsOptions) {
    this.#broker = broker;
    this.#options = options;
    this.#connection = options.connect(broker);
    void this.#run();
  }

  /** Resolves when nothing is owed or in flight, or the broker is gone. */
  whenIdle(): Promise<void> {
    if (this.#isClosed || (this.#isWaiting && this.#pending.isEmpty)) return Promise.resolve();
    return this.#idle.promise;
  }

  update(change: (pending: PendingUpdates) => void): void {
    change(this.#pending);
    if (this.#isWaiting) this.#idle = new Deferred();
    this.#isWaiting = false;
    this.#wake.resolve();
  }

  inquireLater(): void {
    this.#inquiry ??= this.#options.clock.schedule(INQUIRY_PAUSE_MS, () => {
      this.#inquiry = null;
      this.update((pending) => pending.addAllLeaderAndIsr());
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#inquiry?.cancel();
    this.#connection.close();
    this.#wake.resolve();
    this.#idle.resolve();
    this.#pause?.timer.cancel();
    this.#pause?.over.resolve();
  }

  async #run(): Promise<void> {
    // The step that opened this channel goes on first: what it has to say can go out with the first requests.
    await new Promise<void>((resolve) => this.#options.clock.soon(resolve));
    while (!this.#isClosed) {
      const request = this.#pending.take({ ...this.#options, brokerId: this.#broker.brokerId });
      if (request === null) await this.#waitForWork();
      else await this.#deliver(request);
    }
  }

  async #waitForWork(): Promise<void> {
    this.#wake = new Deferred();
    if (!this.#pending.isEmpty || this.#isClosed) return;
    this.#isWaiting = true;
    this.#idle.resolve();
    await this.#wake.promise;
  }

  async #deliver(request: BrokerRequest): Promise<void> {
    try {
      const refusal = await this.#send(request);
      if (this.#isClosed) return;
      if (refusal === null) {
        this.#pending.confirm();
        this.#failures = 0;
        return;
      }
      this.#log(`Broker ${this.#broker.brokerId} refused ${request.kind} with ${refusal}`);
    } catch (error) {
      if (this.#isClosed) return;
      this.#log(`Sending ${request.kind} to broker ${this.#broker.brokerId} failed; it will be told everything`, error);
    }
    this.#pending.fail();
    await this.#sleep(Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS));
  }

  /** The first failure is worth a warning, its repetitions are not. */
  #log(message: string, error?: unknown): void {
    if (this.#failures === 0) this.#options.logger.warn(message, error);
    else this.#options.logger.debug(`${message}: ${String(error)}`);
  }

  /** Null when the broker took it; else the error it gave for all of it. */
  async #send(request: BrokerRequest): Promise<ErrorName | null> {
    const { listener, requestTimeoutMs: timeoutMs } = this.#options;
    const { brokerId } = this.#broker;
    const connection = this.#connection;
    switch (request.kind) {
      case 'UpdateMetadata': {
        const version = UPDATE_METADATA_VERSION;
        const response = await connection.send(UpdateMetadata, version, request.request, { timeoutMs });
        return this.#refusal(response.errorCode);
      }
      case 'LeaderAndIsr': {
        const version = LEADER_AND_ISR_VERSION;
        const response = await connection.send(LeaderAndIsr, version, request.request, { timeoutMs });
        const refusal = this.#refusal(response.errorCode);
        if (refusal === null && !this.#isClosed) listener.onLeaderAndIsrResponse(brokerId, response);
        return refusal;
      }
      case 'StopReplica': {
        const version = STOP_REPLICA_VERSION;
        const response = await connection.send(StopReplica, version, request.request, { timeoutMs });
        const refusal = this.#refusal(response.errorCode);
        if (refusal === null && !this.#isClosed) listener.onStopReplicaResponse(brokerId, request.stops, response);
        return refusal;
      }
    }
  }

  #refusal(errorCode: number): ErrorName | null {
    const error = errorName(errorCode);
    if (error === 'STALE_CONTROLLER_EPOCH' && !this.#isClosed) this.#options.listener.onStaleControllerEpoch();
    return error === 'NONE' ? null : error;
  }

  async #sleep(delayMs: number): Promise<void> {
    const over = new Deferred();
    this.#pause = { timer: this.#options.clock.schedule(delayMs, () => over.resolve()), over };
    await over.promise;
    this.#pause = null;
  }
}
