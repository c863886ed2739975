/**
 * Three brokers of one partition in one process and one simulated time: the real replication (Partitions, fetchers,
 * sessions, the real Fetch and ListOffsets handlers, AlterPartitionSender) over simulated logs, links and a
 * controller that is one object.
 *
 * Faults injected, by seed: messages that are late, lost, or lost after they were acted upon; broken links; processes
 * killed and started again, with or without a power cut; moved leaderships; orders of the controller that come late,
 * out of date or not at all. Not injected: a second controller (its epochs are the controller's own tests), disk
 * errors, retention.
 *
 * Watched at every step: see ReplicationWatch.
 */
import { AssertionError } from '../../src/lib/assert.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { FetchSessionCache } from '../../src/broker/fetch-session.ts';
import type { Handler, RequestContext } from '../../src/broker/handler.ts';
import { fetch } from '../../src/broker/handlers/01-fetch.ts';
import { listOffsets } from '../../src/broker/handlers/02-list-offsets.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { MetadataCache } from '../../src/metadata/metadata-cache.ts';
import { decodeResponse, encodeResponse } from '../../src/protocol/frame.ts';
import { LeaderAndIsr } from '../../src/protocol/messages/04-leader-and-isr.ts';
import { UpdateMetadata } from '../../src/protocol/messages/06-update-metadata.ts';
import { Reader } from '../../src/protocol/reader.ts';
import type { Api, RequestIn, RequestOf, ResponseOut } from '../../src/protocol/schema.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { AlterPartitionSender } from '../../src/replica/alter-partition-sender.ts';
import type { LeaderClient } from '../../src/replica/fetcher.ts';
import { Partitions } from '../../src/replica/partitions.ts';
import type { ReplicaLogs } from '../../src/replica/state-changes.ts';
import type { ReplicationRules } from '../../src/replica/partition.ts';
import { DiskStorage, MemoryStorage, type ReplicaStorage } from './replica-storage.ts';
import { ReplicationWatch } from './replication-watch.ts';
import { SeededRandom, SimulatedClock } from './simulated-clock.ts';
import { SimulatedController } from './simulated-controller.ts';

export const TOPIC = 'orders';
export const TOPIC_ID = 'b3JkZXJzb3JkZXJzb3JkZQ';
export const BROKER_IDS = [1, 2, 3] as const;

export interface SimulationOptions {
  readonly seed: number;
  readonly rules?: ReplicationRules;
  /** Flush before anything counts, and cut the power instead of killing. */
  readonly isDurable?: boolean;
  readonly minInsyncReplicas?: number;
  /** Real logs on a disk in memory instead of simulated ones. */
  readonly hasRealLogs?: boolean;
  readonly durationMs?: number;
}

/** What a run found: empty if all is well. */
export interface SimulationResult {
  readonly violations: readonly string[];
  readonly acknowledgedCount: number;
  readonly electionCount: number;
}

const SETTINGS = {
  replicaLagTimeMaxMs: 300,
  numReplicaFetchers: 1,
  replicaFetchWaitMaxMs: 40,
  replicaFetchMinBytes: 1,
  replicaFetchMaxBytes: 64,
  replicaFetchResponseMaxBytes: 1000,
  replicaFetchBackoffMs: 60,
  replicaSocketTimeoutMs: 150,
};
const HANDLERS: ReadonlyMap<number, Handler> = new Map([fetch, listOffsets].map((one) => [one.apiKey, one]));

/** A clock that dies with its process. */
class ProcessClock implements Clock {
  readonly #clock: Clock;
  isDead = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  schedule(delayMs: number, callback: () => void): { cancel(): void } {
    return this.#clock.schedule(delayMs, () => {
      if (!this.isDead) callback();
    });
  }

  soon(callback: () => void): void {
    this.schedule(0, callback);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve));
  }
}

/** One life of a broker process. */
interface Process {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly clock: ProcessClock;
  readonly partitions: Partitions;
  readonly broker: RequestContext['broker'];
}

export class SimulatedCluster {
  readonly #options: Required<Omit<SimulationOptions, 'rules'>> & Pick<SimulationOptions, 'rules'>;
  readonly #random: SeededRandom;
  readonly #clock: SimulatedClock;
  readonly #storages = new Map<number, ReplicaStorage>();
  readonly #starting = new Set<number>();
  readonly #processes = new Map<number, Process>();
  readonly #cutLinks = new Set<string>();
  readonly #controller: SimulatedController;
  readonly #watch: ReplicationWatch;
  #nextBrokerEpoch = 100;
  #nextValue = 1;
  #isCalm = false;

  constructor(options: SimulationOptions) {
    this.#options = { isDurable: false, minInsyncReplicas: 1, hasRealLogs: false, durationMs: 2000, ...options };
    this.#random = new SeededRandom(options.seed);
    this.#clock = new SimulatedClock(this.#random);
    this.#watch = new ReplicationWatch();
    for (const brokerId of BROKER_IDS) this.#storages.set(brokerId, this.#newStorage(brokerId));
    this.#controller = new SimulatedController({
      brokerIds: BROKER_IDS,
      clock: this.#clock,
      random: this.#random,
      onChanged: () => this.#watch.onStateChanged(this.#controller.state, this.#storages),
      order: (brokerId, brokerEpoch) => this.#order(brokerId, brokerEpoch),
    });
  }

  /** Plays all of it: a stormy time, then a calm one in which everything must come together again. */
  async run(): Promise<SimulationResult> {
    for (const brokerId of BROKER_IDS) this.#start(brokerId);
    this.#scheduleStorm();
    const { durationMs } = this.#options;
    await this.#play(durationMs);
    this.#isCalm = true;
    this.#cutLinks.clear();
    for (const brokerId of BROKER_IDS) if (!this.#processes.has(brokerId)) this.#start(brokerId);
    await this.#play(durationMs + 3000);
    if (this.#watch.violations.length === 0) this.#watch.onCalm(this.#controller.state, this.#storages, BROKER_IDS);
    return {
      violations: this.#watch.violations,
      acknowledgedCount: this.#watch.acknowledgedCount,
      electionCount: this.#controller.electionCount,
    };
  }

  async #play(endMs: number): Promise<void> {
    while (this.#watch.violations.length === 0) {
      try {
        if (!(await this.#clock.step(endMs))) return;
      } catch (error) {
        this.#watch.fail(String(error));
      }
    }
  }

  #scheduleStorm(): void {
    const repeat = (meanMs: number, act: () => void): void => {
      this.#clock.schedule(this.#random.fraction() * 2 * meanMs, () => {
        if (this.#isCalm) return;
        act();
        repeat(meanMs, act);
      });
    };
    repeat(12, () => this.#produce());
    repeat(300, () => this.#crash());
    repeat(120, () => this.#cutLink());
    repeat(150, () => this.#controller.moveLeader());
  }

  /** To whoever believes to lead: maybe several. */
  #produce(): void {
    for (const process of this.#processes.values()) {
      const storage = this.#storages.get(process.brokerId);
      const partition = process.partitions.leader(TOPIC, 0, -1);
      if (storage === undefined || typeof partition === 'string' || this.#random.chance(0.3)) continue;
      const values = Array.from({ length: 1 + this.#random.int(3) }, () => this.#nextValue++);
      const acks = this.#random.chance(0.8) ? -1 : 1;
      try {
        const { firstOffset, lastOffset } = partition.append(storage.encode(values), acks, 'client', 0);
        if (acks !== -1) continue;
        partition.whenAcknowledged(acks, lastOffset + 1, {
          isDone: false,
          onSettled: (outcome) => {
            if (outcome === 'NONE')
              this.#watch.onAcknowledged(firstOffset, values, this.#controller.state, this.#storages);
          },
        });
      } catch (error) {
        if (error instanceof AssertionError) throw error;
      }
    }
  }

  #crash(): void {
    const brokerId = this.#random.pick(BROKER_IDS) ?? 1;
    const process = this.#processes.get(brokerId);
    if (process === undefined) return;
    process.clock.isDead = true;
    this.#processes.delete(brokerId);
    this.#storages.get(brokerId)?.crash(this.#options.isDurable);
    this.#watch.onCrashed(brokerId);
    // Sometimes it is back before anybody has noticed.
    const isNoticed = this.#random.chance(0.7);
    if (isNoticed)
      this.#clock.schedule(this.#random.int(200), () => this.#controller.onBrokerLost(brokerId, process.brokerEpoch));
    const downMs = isNoticed ? 200 + this.#random.int(400) : this.#random.int(30);
    this.#clock.schedule(downMs, () => {
      if (!this.#processes.has(brokerId)) this.#start(brokerId);
    });
  }

  #cutLink(): void {
    const one = this.#random.pick(BROKER_IDS) ?? 1;
    const other = this.#random.pick(BROKER_IDS) ?? 2;
    const link = `${one}>${other}`;
    this.#cutLinks.add(link);
    this.#clock.schedule(this.#random.int(400), () => this.#cutLinks.delete(link));
  }

  #newStorage(brokerId: number): ReplicaStorage {
    const { isDurable, minInsyncReplicas, hasRealLogs } = this.#options;
    const Storage = hasRealLogs ? DiskStorage : MemoryStorage;
    return new Storage({
      topic: TOPIC,
      topicId: TOPIC_ID,
      isDurable,
      minInsyncReplicas,
      random: this.#random,
      onBroken: (what) => this.#watch.fail(`broker ${brokerId}: ${what}`),
      onHighWatermark: (view, previous) => {
        const partition = this.#processes.get(brokerId)?.partitions.find(TOPIC, 0);
        if (partition === undefined || typeof partition === 'string' || !partition.isLeader) return;
        this.#watch.onCommitted(brokerId, partition.leaderEpoch, previous, view);
      },
    });
  }

  /** Loads the logs, which takes a moment, and begins a new life. */
  #start(brokerId: number): void {
    const storage = this.#storages.get(brokerId);
    if (storage === undefined || this.#starting.has(brokerId)) return;
    this.#starting.add(brokerId);
    const clock = new ProcessClock(this.#clock);
    storage
      .open(clock)
      .then((logs) => this.#run(brokerId, clock, logs))
      .catch((error: unknown) => this.#watch.fail(`broker ${brokerId} cannot start: ${String(error)}`))
      .finally(() => this.#starting.delete(brokerId));
  }

  #run(brokerId: number, clock: ProcessClock, logs: ReplicaLogs): void {
    const brokerEpoch = this.#nextBrokerEpoch++;
    const metadata = new MetadataCache();
    const isrStore = new AlterPartitionSender({
      brokerId,
      brokerEpoch: () => brokerEpoch,
      clock,
      logger: silentLogger,
      requestTimeoutMs: 200,
      channel: {
        send: (_api, _version, request) =>
          this.#exchange(brokerId, 0, clock, () => Promise.resolve(this.#controller.alterPartition(request))),
      },
    });
    const partitions = new Partitions({
      brokerId,
      settings: SETTINGS,
      clock,
      logger: silentLogger,
      metadata,
      logs,
      isrStore,
      brokerEpoch: () => brokerEpoch,
      connect: (leaderId) => this.#connect(brokerId, leaderId, clock),
      loadTopicConfigs: () => Promise.resolve(new Set()),
      ...(this.#options.rules !== undefined && { rules: this.#options.rules }),
    });
    const fetchSessions = new FetchSessionCache(10, (bound) => this.#random.int(bound));
    // The members that the two handlers touch.
    const broker = {
      brokerId,
      config: { fetchMaxBytes: 10_000 },
      clock,
      logger: silentLogger,
      metadata,
      replicas: partitions,
      fetchSessions,
    } as unknown as RequestContext['broker'];
    partitions.start();
    this.#processes.set(brokerId, { brokerId, brokerEpoch, clock, partitions, broker });
    this.#clock.schedule(this.#random.int(20), () => {
      if (!clock.isDead) this.#controller.onBrokerRegistered(brokerId, brokerEpoch);
    });
  }

  /** The controller's present orders to one process; resolves to false when they did not arrive or were not obeyed. */
  async #order(brokerId: number, brokerEpoch: number): Promise<boolean> {
    const leaderAndIsr = this.#controller.leaderAndIsr(brokerEpoch);
    const updateMetadata = this.#controller.updateMetadata(brokerEpoch);
    const process = this.#processes.get(brokerId);
    if (process === undefined) return false;
    const isObeyed = await this.#exchange(0, brokerId, this.#clock, async () => {
      const answer = await process.partitions.applyLeaderAndIsr(decoded(LeaderAndIsr, 7, leaderAndIsr));
      process.partitions.applyUpdateMetadata(decoded(UpdateMetadata, 8, updateMetadata));
      this.#watch.onStateChanged(this.#controller.state, this.#storages);
      return answer.errorCode === 0;
    }).catch(() => false);
    return isObeyed;
  }

  #connect(from: number, to: number, clock: ProcessClock): LeaderClient {
    const clientClock = new ProcessClock(clock);
    return {
      send: <A extends Api>(api: A, version: number, request: RequestIn<A>): Promise<ResponseOut<A>> =>
        this.#exchange(from, to, clientClock, () => this.#handle(to, api, version, request)),
      close: () => {
        clientClock.isDead = true;
      },
    };
  }

  async #handle<A extends Api>(to: number, api: A, version: number, request: RequestIn<A>): Promise<ResponseOut<A>> {
    const process = this.#processes.get(to);
    const handler = HANDLERS.get(api.key);
    if (process === undefined || handler === undefined) throw new Error('nobody listens');
    const context: RequestContext = {
      broker: process.broker,
      version,
      clientId: 'replica',
      supportedApis: [],
      connection: {
        id: '',
        clientHost: '',
        listenerName: 'INTERNAL',
        clientSoftware: null,
        onClose: () => () => undefined,
      },
      nowMs: process.clock.nowMs(),
      monotonicMs: process.clock.monotonicMs(),
    };
    const response = await handler.handle(context, decoded(api, version, request));
    const frame = encodeResponse(api, version, 1, response as Parameters<typeof encodeResponse<A>>[3]);
    return decodeResponse(api, version, frame.subarray(4)).response;
  }

  /**
   * A request over a link: late, or lost on its way there or back. The other side may act although this one never
   * hears of it.
   */
  #exchange<T>(from: number, to: number, clock: Clock, act: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // Whatever happens over there, maybe its death: the one who asked waits only so long.
      clock.schedule(SETTINGS.replicaSocketTimeoutMs, () => reject(new Error('no answer')));
      this.#deliver(from, to, () => {
        act().then(
          (result) => this.#deliver(to, from, () => clock.soon(() => resolve(result))),
          (error: unknown) => {
            // What fails in the process that acts is a finding, unless there is no process.
            if (error instanceof AssertionError) this.#watch.fail(String(error));
          },
        );
      });
    });
  }

  #deliver(from: number, to: number, onArrived: () => void): void {
    // The controller takes its time, so that much happens between what it has decided and what is known of it.
    const isQuick = this.#random.chance(from === 0 || to === 0 ? 0.4 : 0.9);
    const delayMs = isQuick ? this.#random.int(4) : this.#random.int(60);
    const isLost = this.#cutLinks.has(`${from}>${to}`) || (!this.#isCalm && this.#random.chance(0.03));
    const target = this.#processes.get(to);
    this.#clock.schedule(delayMs, () => {
      const isGone = to !== 0 && this.#processes.get(to) !== target;
      if (!isLost && !isGone) onArrived();
    });
  }
}

/** A request as its receiver decodes it. */
function decoded<A extends Api>(api: A, version: number, request: RequestIn<A>): RequestOf<A> {
  const writer = new Writer();
  const codec = api.requestCodec(version);
  codec.write(writer, request as never);
  return codec.read(new Reader(writer.finish())) as RequestOf<A>;
}
