/**
 * Commits ever larger offsets for one group, one after the other without a pause, while the cluster is tormented; and
 * looks all the time whether one that was acknowledged is ever missing. Raw calls of @platformatic/kafka, so that
 * nothing hides what a broker says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, findCoordinatorV4, offsetCommitV9, offsetFetchV8 } from '@platformatic/kafka';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { evenWithErrors, withConnection } from './wire-client.ts';

const PATIENCE = { connectTimeout: 1000, requestTimeout: 8000 };
const GROUP_KEY = 0;
const NO_GENERATION = -1;
const NO_EPOCH = -1;
/** The machine also has brokers to run. */
const PAUSE_MS = 5;
const BACKOFF_MS = 50;

export class OffsetCommitter {
  readonly group: string;
  /** What went back or was lost, in words. */
  readonly problems: string[] = [];
  /** The last offset that the coordinator said is committed. */
  acknowledged = -1;
  acknowledgedCount = 0;
  looks = 0;
  lastError: unknown = null;
  readonly #cluster: TestCluster;
  readonly #topic: string;
  #next = 0;
  #isStopping = false;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(cluster: TestCluster, group: string, topic: string) {
    this.#cluster = cluster;
    this.group = group;
    this.#topic = topic;
  }

  start(): this {
    this.#loops = Promise.all([this.#repeat((broker) => this.#commitAt(broker)), this.#repeat((b) => this.#lookAt(b))]);
    return this;
  }

  /** Resolves when so many more commits were acknowledged than now. */
  async advance(count: number): Promise<void> {
    const before = this.acknowledgedCount;
    await eventually(() => this.acknowledgedCount >= before + count || this.#complain());
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#loops;
  }

  /** What the group's coordinator says now; the coordinator is looked for. */
  async committed(): Promise<number> {
    return eventually(async () => this.#onCoordinator((connection) => this.#fetch(connection)));
  }

  #complain(): never {
    throw new Error(`${this.group} stands at ${this.acknowledged}`, { cause: this.lastError });
  }

  async #repeat(work: (connection: Connection) => Promise<void>): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#onCoordinator(async (connection) => {
          while (!this.#isStopping) {
            await work(connection);
            await sleep(PAUSE_MS);
          }
        });
      } catch (error) {
        this.lastError = error;
        await sleep(BACKOFF_MS);
      }
    }
  }

  async #onCoordinator<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    const live = this.#cluster.live;
    const asked = live[Math.floor(Math.random() * live.length)];
    if (asked === undefined) throw new Error('no broker runs');
    const coordinator = await withConnection(
      asked.address,
      async (connection) => {
        const response = await evenWithErrors(findCoordinatorV4.api.async(connection, GROUP_KEY, [this.group]));
        const found = response.coordinators[0];
        if (found === undefined || found.errorCode !== 0) throw new Error(`no coordinator: ${found?.errorCode}`);
        return found;
      },
      PATIENCE,
    );
    return withConnection(`${coordinator.host}:${coordinator.port}`, use, PATIENCE);
  }

  async #commitAt(connection: Connection): Promise<void> {
    // One that was not acknowledged may be committed all the same, so the next is larger in any case.
    const offset = this.#next++;
    const partition = {
      partitionIndex: 0,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: NO_EPOCH,
      committedMetadata: null,
    };
    const topics = [{ name: this.#topic, partitions: [partition] }];
    const response = await evenWithErrors(
      offsetCommitV9.api.async(connection, this.group, NO_GENERATION, '', null, topics),
    );
    const errorCode = response.topics[0]?.partitions[0]?.errorCode;
    if (errorCode !== 0) throw new Error(`commit of ${offset} failed: error code ${errorCode}`);
    this.acknowledged = offset;
    this.acknowledgedCount++;
  }

  async #lookAt(connection: Connection): Promise<void> {
    const atLeast = this.acknowledged;
    const asked = this.#cluster.brokers.find(({ port }) => port === connection.port);
    const implementation = asked?.implementation;
    const committed = await this.#fetch(connection);
    this.looks++;
    // GroupCoordinator.handleFetchOffsets asks whether it owns the partition before GroupMetadataManager.getOffsets
    // looks into its cache, which another thread empties when it does no longer: -1 and no error. What of Apache
    // Kafka's commits was lost is seen at the end.
    if (committed < atLeast && implementation !== 'apache-kafka')
      this.problems.push(`${this.group}: ${atLeast} was acknowledged, then broker ${asked?.id} said ${committed}`);
  }

  async #fetch(connection: Connection): Promise<number> {
    const topics = [{ name: this.#topic, partitionIndexes: [0] }];
    const response = await evenWithErrors(
      offsetFetchV8.api.async(connection, [{ groupId: this.group, memberEpoch: NO_EPOCH, topics }], false),
    );
    const [found] = response.groups;
    const partition = found?.topics[0]?.partitions[0];
    if (found?.errorCode !== 0 || partition?.errorCode !== 0)
      throw new Error(`no offset: error codes ${found?.errorCode}, ${partition?.errorCode}`);
    return Number(partition.committedOffset);
  }
}
