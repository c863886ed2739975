/**
 * Who leads the partitions of one topic, as a producer needs to know it: asked for at the first record (which creates
 * the topic where the cluster allows that), again after an error and when it is old (Kafka's ProducerMetadata).
 */
import { Errors, errorName, isRetriable } from '../protocol/errors.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient, Node } from './cluster-client.ts';

interface Settings {
  readonly topic: string;
  readonly maxBlockMs: number;
  readonly retryBackoffMs: number;
  readonly metadataMaxAgeMs: number;
}

export class TopicLeaders {
  readonly #cluster: ClusterClient;
  readonly #settings: Settings;
  #leaders: (number | null)[] = [];
  #nodes = new Map<number, Node>();
  /** How often was asked: what stands for Java's correlation id in its warning. */
  #asked = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;
  /** What all who wait for the partitions to be known wait for. */
  #discovery: Promise<void> | null = null;

  constructor(cluster: ClusterClient, settings: Settings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  /** 0 until something is known. */
  get partitionCount(): number {
    return this.#leaders.length;
  }

  get partitionsWithLeader(): number[] {
    return this.#leaders.flatMap((leader, partition) => (leader === null ? [] : [partition]));
  }

  leaderOf(partition: number): Node | null {
    const leader = this.#leaders[partition] ?? null;
    return leader === null ? null : (this.#nodes.get(leader) ?? null);
  }

  nodeById(brokerId: number): Node {
    const node = this.#nodes.get(brokerId);
    if (node === undefined) throw new ApiError('TimeoutException', `Broker ${brokerId} is not known any more`);
    return node;
  }

  /**
   * Resolves when the partitions are known. @throws ApiError after max.block.ms, or at once when the topic cannot be
   */
  async whenKnown(): Promise<void> {
    if (this.#leaders.length === 0) {
      this.#discovery ??= this.#discover().finally(() => {
        this.#discovery = null;
      });
      return this.#discovery;
    }
    if (this.#cluster.clock.monotonicMs() - this.#askedAtMs > this.#settings.metadataMaxAgeMs) void this.refresh();
  }

  async #discover(): Promise<void> {
    const { maxBlockMs, retryBackoffMs } = this.#settings;
    const { clock } = this.#cluster;
    const deadline = clock.monotonicMs() + maxBlockMs;
    while (this.#leaders.length === 0) {
      await this.#ask(deadline);
      if (this.#leaders.length > 0) return;
      if (clock.monotonicMs() >= deadline) throw new ApiError('TimeoutException', 'no metadata');
      await clock.sleep(retryBackoffMs);
    }
  }

  /**
   * Asks again, at most once per retry.backoff.ms. Never rejects: what could not be learned now is asked for next
   * time.
   */
  refresh(): Promise<void> {
    this.#asking ??= this.#refreshOnce().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #refreshOnce(): Promise<void> {
    const { clock } = this.#cluster;
    const waitMs = this.#askedAtMs + this.#settings.retryBackoffMs - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs);
    try {
      await this.#ask(clock.monotonicMs() + this.#settings.maxBlockMs);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#cluster.warn(error.message, 'org.apache.kafka.clients.Metadata');
    }
  }

  async #ask(deadline: number): Promise<void> {
    const { topic } = this.#settings;
    this.#asked++;
    const options = { allowAutoTopicCreation: true, deadline };
    const response = await this.#cluster.metadata([topic], 'metadata', options);
    this.#askedAtMs = this.#cluster.clock.monotonicMs();
    this.#nodes = new Map(this.#cluster.nodes.map((node) => [node.id, node]));
    const answer = response.topics.find(({ name }) => name === topic);
    if (answer === undefined) return;
    if (answer.errorCode !== Errors.NONE) {
      const error = errorName(answer.errorCode);
      this.#cluster.warn(
        `Error while fetching metadata with correlation id ${this.#asked} : {${topic}=${error}}`,
        'org.apache.kafka.clients.NetworkClient',
      );
      if (!isRetriable(error)) throw ApiError.of(answer.errorCode, invalidTopic(error, topic));
      return;
    }
    const leaders: (number | null)[] = [];
    for (const { partitionIndex, leaderId } of answer.partitions)
      leaders[partitionIndex] = leaderId >= 0 ? leaderId : null;
    // A partition that is missing in the answer has no leader either.
    this.#leaders = Array.from(leaders, (leader) => leader ?? null);
  }
}

function invalidTopic(error: string, topic: string): string | null {
  return error === 'INVALID_TOPIC_EXCEPTION' ? `Invalid topics: [${topic}]` : null;
}
