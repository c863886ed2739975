/**
 * Every write of the controller. Each is a multi that first checks the version that /controller_epoch got at this
 * controller's election; when another one was elected since, the check fails, nothing is written and the write throws
 * ControllerMovedError: stop being the controller at once. Safety comes from this check, never from a timer.
 *
 * Lost replies are resolved below this (ZooKeeper.multi reads back), so a result says what happened.
 */
import type { LeaderAndIsr } from '../model/leader-and-isr.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import { topicPartitionKey } from '../model/topic-partition.ts';
import type { Operation, OperationResult, ZooKeeperOperations } from './operations.ts';
import { ANY_VERSION, isZooKeeperError } from './operations.ts';
import type { TopicAssignment } from './znodes.ts';
import {
  ConfigZnode,
  ControllerEpochZnode,
  ControllerZnode,
  DeleteTopicsTopicZnode,
  TopicPartitionStateZnode,
  TopicPartitionsZnode,
  TopicPartitionZnode,
  TopicZnode,
} from './znodes.ts';

export class ControllerMovedError extends Error {
  override readonly name = 'ControllerMovedError';
  constructor(controllerEpoch: number) {
    super(`Another controller was elected after controller epoch ${controllerEpoch}`);
  }
}

/** To be written: for an update, `leaderAndIsr.partitionEpoch` is the version that the znode must have. */
export type PartitionStateWrite = TopicPartition & { readonly leaderAndIsr: LeaderAndIsr };
/** The znode's new version (the new partition epoch), or why it was not written. */
export type StateUpdateResult = number | 'BAD_VERSION' | 'NO_NODE';
export type StateCreateResult = number | 'NODE_EXISTS' | 'NO_NODE';

/** Larger multis gain nothing (11.8k znodes/s measured) and a refused one must be repeated in single steps. */
const OPERATIONS_PER_MULTI = 100;

export class FencedWriter {
  readonly controllerEpoch: number;
  readonly #zk: ZooKeeperOperations;
  readonly #fence: Operation;

  constructor(zk: ZooKeeperOperations, controllerEpoch: number, epochZkVersion: number) {
    this.#zk = zk;
    this.controllerEpoch = controllerEpoch;
    this.#fence = { type: 'check', path: ControllerEpochZnode.path, version: epochZkVersion };
  }

  /** The topic and its configuration in one step. Configuration left over from an earlier topic is replaced. */
  async createTopic({
    config,
    ...topic
  }: TopicAssignment & { readonly config: ReadonlyMap<string, string> }): Promise<'created' | 'exists'> {
    const configPath = ConfigZnode.path('topics', topic.topic);
    const data = ConfigZnode.encode(config);
    for (;;) {
      const hasConfig = (await this.#zk.exists(configPath)) !== null;
      const writeConfig: Operation = hasConfig
        ? { type: 'set', path: configPath, data, version: ANY_VERSION }
        : { type: 'create', path: configPath, data };
      const path = TopicZnode.path(topic.topic);
      try {
        await this.#write([{ type: 'create', path, data: TopicZnode.encode(topic) }, writeConfig]);
        return 'created';
      } catch (error) {
        if (!isZooKeeperError(error, 'NODE_EXISTS', 'NO_NODE')) throw error;
        if (error.failedOperation === 0) {
          if (error.code === 'NODE_EXISTS') return 'exists';
          throw error;
        }
        // The configuration came or went since we looked; a missing /config/topics no further try can cure.
        if (!hasConfig && error.code === 'NO_NODE') throw error;
      }
    }
  }

  /**
   * Replaces the assignment: more partitions, a reassignment, an id for a topic that has none.
   * @throws ZooKeeperError NO_NODE when the topic is gone.
   */
  async updateTopicAssignment(topic: TopicAssignment): Promise<void> {
    const path = TopicZnode.path(topic.topic);
    await this.#write([{ type: 'set', path, data: TopicZnode.encode(topic), version: ANY_VERSION }]);
  }

  /**
   * First states of new partitions, with the znodes above them. By `topicPartitionKey`; 0 is the first partition epoch.
   */
  async createPartitionStates(writes: readonly PartitionStateWrite[]): Promise<Map<string, StateCreateResult>> {
    const topics = [...new Set(writes.map(({ topic }) => topic))];
    const missing = new Set<string>();
    await Promise.all(
      topics.map(async (topic) => {
        if (!(await this.#createParent(TopicPartitionsZnode.path(topic)))) missing.add(topic);
      }),
    );
    const results = new Map<string, StateCreateResult>();
    const possible = writes.filter(({ topic, partition }) => {
      if (missing.has(topic)) results.set(topicPartitionKey(topic, partition), 'NO_NODE');
      return !missing.has(topic);
    });
    await Promise.all(batches(possible, OPERATIONS_PER_MULTI / 2).map((batch) => this.#createStates(batch, results)));
    return results;
  }

  async #createStates(batch: readonly PartitionStateWrite[], results: Map<string, StateCreateResult>): Promise<void> {
    const operations = batch.flatMap((write): Operation[] => [
      { type: 'create', path: TopicPartitionZnode.path(write.topic, write.partition), data: null },
      this.#createState(write),
    ]);
    try {
      await this.#write(operations);
      for (const { topic, partition } of batch) results.set(topicPartitionKey(topic, partition), 0);
    } catch (error) {
      if (!isZooKeeperError(error, 'NODE_EXISTS', 'NO_NODE')) throw error;
      await Promise.all(batch.map((write) => this.#createOneState(write, results)));
    }
  }

  async #createOneState(write: PartitionStateWrite, results: Map<string, StateCreateResult>): Promise<void> {
    const key = topicPartitionKey(write.topic, write.partition);
    const hasParent = await this.#createParent(TopicPartitionZnode.path(write.topic, write.partition));
    if (!hasParent) return void results.set(key, 'NO_NODE');
    try {
      await this.#write([this.#createState(write)]);
      results.set(key, 0);
    } catch (error) {
      if (!isZooKeeperError(error, 'NODE_EXISTS', 'NO_NODE')) throw error;
      results.set(key, error.code === 'NO_NODE' ? 'NO_NODE' : 'NODE_EXISTS');
    }
  }

  #createState({ topic, partition, leaderAndIsr }: PartitionStateWrite): Operation {
    const data = TopicPartitionStateZnode.encode({ ...leaderAndIsr, controllerEpoch: this.controllerEpoch });
    return { type: 'create', path: TopicPartitionStateZnode.path(topic, partition), data };
  }

  /** False when the topic above it is gone. */
  async #createParent(path: string): Promise<boolean> {
    if ((await this.#zk.exists(path)) !== null) return true;
    try {
      await this.#write([{ type: 'create', path, data: null }]);
      return true;
    } catch (error) {
      if (isZooKeeperError(error, 'NODE_EXISTS')) return true;
      if (isZooKeeperError(error, 'NO_NODE')) return false;
      throw error;
    }
  }

  /**
   * New states of partitions, each written only if the znode still has the version of its
   * `leaderAndIsr.partitionEpoch`. Many go in one multi; when one of them is refused, that multi is repeated in single
   * steps, so that each gets its own result. By `topicPartitionKey`.
   */
  async updatePartitionStates(writes: readonly PartitionStateWrite[]): Promise<Map<string, StateUpdateResult>> {
    const results = new Map<string, StateUpdateResult>();
    await Promise.all(batches(writes, OPERATIONS_PER_MULTI).map((batch) => this.#updateStates(batch, results)));
    return results;
  }

  async #updateStates(batch: readonly PartitionStateWrite[], results: Map<string, StateUpdateResult>): Promise<void> {
    try {
      const written = await this.#write(batch.map((write) => this.#updateState(write)));
      for (const [index, { topic, partition, leaderAndIsr }] of batch.entries()) {
        const result = written[index];
        const version = result?.type === 'set' ? result.stat.version : leaderAndIsr.partitionEpoch + 1;
        results.set(topicPartitionKey(topic, partition), version);
      }
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_VERSION', 'NO_NODE')) throw error;
      const [only] = batch;
      if (batch.length > 1) await Promise.all(batch.map((write) => this.#updateStates([write], results)));
      else if (only !== undefined)
        results.set(
          topicPartitionKey(only.topic, only.partition),
          error.code === 'NO_NODE' ? 'NO_NODE' : 'BAD_VERSION',
        );
    }
  }

  #updateState({ topic, partition, leaderAndIsr }: PartitionStateWrite): Operation {
    const path = TopicPartitionStateZnode.path(topic, partition);
    const data = TopicPartitionStateZnode.encode({ ...leaderAndIsr, controllerEpoch: this.controllerEpoch });
    return { type: 'set', path, data, version: leaderAndIsr.partitionEpoch };
  }

  /**
   * Last steps of a deletion, in Kafka's order: the topic from its leaves up, its configuration, its deletion marker.
   */
  async deleteTopic(topic: string): Promise<void> {
    await this.#deleteTree(TopicZnode.path(topic));
    await this.#deleteTree(ConfigZnode.path('topics', topic));
    await this.deleteMarker(topic);
  }

  /** Forgets that the topic was to be deleted. */
  async deleteMarker(topic: string): Promise<void> {
    await this.#deleteAll([DeleteTopicsTopicZnode.path(topic)]);
  }

  /** Deletes notifications that were handled, or at failover all of them. Missing ones are no error. */
  async deleteNotifications(paths: readonly string[]): Promise<void> {
    await this.#deleteAll(paths);
  }

  /** Gives up /controller so that another broker is elected. Missing is no error. */
  async resign(): Promise<void> {
    await this.#deleteAll([ControllerZnode.path]);
  }

  async #deleteTree(root: string): Promise<void> {
    for (;;) {
      const levels: string[][] = [];
      for (let level = [root]; level.length > 0; ) {
        const children = await Promise.all(level.map((path) => this.#zk.children(path)));
        const present = level.filter((_path, index) => children[index] != null);
        levels.push(present);
        level = level.flatMap((path, index) => (children[index] ?? []).map((name) => `${path}/${name}`));
      }
      try {
        return await this.#deleteAll(levels.reverse().flat());
      } catch (error) {
        // Something was created below in the meantime.
        if (!isZooKeeperError(error, 'NOT_EMPTY')) throw error;
      }
    }
  }

  /** In this order, many at a time. */
  async #deleteAll(paths: readonly string[]): Promise<void> {
    for (const batch of batches(paths, OPERATIONS_PER_MULTI)) {
      let remaining = batch;
      while (remaining.length > 0) {
        try {
          await this.#write(remaining.map((path) => ({ type: 'delete', path, version: ANY_VERSION })));
          break;
        } catch (error) {
          if (!isZooKeeperError(error, 'NO_NODE')) throw error;
          remaining = remaining.filter((_path, index) => index !== error.failedOperation);
        }
      }
    }
  }

  /** Results and the index of a refused operation are those of the operations given, without the fence. */
  async #write(operations: readonly Operation[]): Promise<OperationResult[]> {
    try {
      return (await this.#zk.multi([this.#fence, ...operations])).slice(1);
    } catch (error) {
      if (!isZooKeeperError(error) || error.failedOperation === null) throw error;
      if (error.failedOperation === 0) throw new ControllerMovedError(this.controllerEpoch);
      throw error.withoutFirstOperation();
    }
  }
}

function batches<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let start = 0; start < items.length; start += size) result.push(items.slice(start, start + size));
  return result;
}
