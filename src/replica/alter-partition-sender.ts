/**
 * Sends the ISR changes of this broker's leaders to the controller (AlterPartition v3, KIP-497, KIP-841, KIP-903):
 * one request in flight, all changes that came meanwhile in the next one. A request that fails as a whole is sent
 * again until the controller answers or the leadership that asked has ended. Kafka's DefaultAlterPartitionManager is
 * the reference.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { LeaderRecoveryState } from '../model/leader-and-isr.ts';
import type { TopicId } from '../model/topic-partition.ts';
import { type ErrorName, errorName } from '../protocol/errors.ts';
import { AlterPartition } from '../protocol/messages/56-alter-partition.ts';
import type { RequestIn, ResponseOut } from '../protocol/schema.ts';
import type { IsrChange, IsrStore } from './isr-store.ts';

type AlterPartitionRequest = RequestIn<typeof AlterPartition>;
type AlterPartitionResponse = ResponseOut<typeof AlterPartition>;

/** The way to the controller, whoever it is; net/controller-channel fits it. Rejects when no answer came in time. */
export interface AlterPartitionChannel {
  send(
    api: typeof AlterPartition,
    version: number,
    request: AlterPartitionRequest,
    options: { timeoutMs: number },
  ): Promise<AlterPartitionResponse>;
}

export interface AlterPartitionSenderOptions {
  readonly brokerId: number;
  readonly brokerEpoch: () => number;
  readonly channel: AlterPartitionChannel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly requestTimeoutMs: number;
}

const ALTER_PARTITION_VERSION = 3;
const RETRY_DELAY_MS = 50;

export class AlterPartitionSender implements IsrStore {
  readonly #options: AlterPartitionSenderOptions;
  /** By topic id and partition: a change that is newer replaces one that waits. */
  readonly #unsent = new Map<string, IsrChange>();
  #isBusy = false;
  #isClosed = false;

  constructor(options: AlterPartitionSenderOptions) {
    this.#options = options;
  }

  propose(change: IsrChange): void {
    this.#unsent.set(keyOf(change.topicId, change.partition), change);
    this.#maybeSend();
  }

  /** No more requests; what was asked stays unanswered. */
  close(): void {
    this.#isClosed = true;
    this.#unsent.clear();
  }

  #maybeSend(): void {
    if (this.#isBusy || this.#isClosed || this.#unsent.size === 0) return;
    this.#isBusy = true;
    // Not before the end of this turn: a lag check proposes for many partitions at once, and they share a request.
    this.#options.clock.soon(() => {
      const changes = [...this.#unsent.values()].filter((change) => change.isWanted());
      this.#unsent.clear();
      if (changes.length > 0 && !this.#isClosed) this.#send(changes);
      else this.#isBusy = false;
    });
  }

  #send(changes: readonly IsrChange[]): void {
    const { channel, requestTimeoutMs } = this.#options;
    const request = this.#request(changes);
    channel.send(AlterPartition, ALTER_PARTITION_VERSION, request, { timeoutMs: requestTimeoutMs }).then(
      (response) => this.#onResponse(changes, response),
      (error: unknown) => {
        this.#options.logger.debug(`AlterPartition got no answer, sending it again: ${String(error)}`);
        this.#retry(changes);
      },
    );
  }

  #onResponse(changes: readonly IsrChange[], response: AlterPartitionResponse): void {
    const error = errorName(response.errorCode);
    if (error !== 'NONE') {
      this.#options.logger.warn(`The controller refused AlterPartition with ${error}, sending it again`);
      this.#retry(changes);
      return;
    }
    this.#isBusy = false;
    const answers = new Map<string, AlterPartitionResponse['topics'][number]['partitions'][number]>();
    for (const { topicId, partitions } of response.topics)
      for (const partition of partitions) answers.set(keyOf(topicId, partition.partitionIndex), partition);
    for (const change of changes) {
      if (!change.isWanted()) continue;
      const answer = answers.get(keyOf(change.topicId, change.partition));
      const outcome: ErrorName = answer === undefined ? 'UNKNOWN_SERVER_ERROR' : errorName(answer.errorCode);
      if (answer === undefined || outcome !== 'NONE') change.onFailed(outcome);
      else
        change.onAccepted({
          leader: answer.leaderId,
          leaderEpoch: answer.leaderEpoch,
          isr: answer.isr,
          partitionEpoch: answer.partitionEpoch,
          leaderRecoveryState:
            answer.leaderRecoveryState === LeaderRecoveryState.RECOVERING
              ? LeaderRecoveryState.RECOVERING
              : LeaderRecoveryState.RECOVERED,
        });
    }
    this.#maybeSend();
  }

  /**
   * Nobody knows what became of the changes: they go out again with what came meanwhile, unless something newer did.
   */
  #retry(changes: readonly IsrChange[]): void {
    for (const change of changes) {
      const key = keyOf(change.topicId, change.partition);
      if (!this.#unsent.has(key)) this.#unsent.set(key, change);
    }
    this.#options.clock.schedule(RETRY_DELAY_MS, () => {
      this.#isBusy = false;
      this.#maybeSend();
    });
  }

  #request(changes: readonly IsrChange[]): AlterPartitionRequest {
    const byTopic = new Map<TopicId, IsrChange[]>();
    for (const change of changes) {
      const topic = byTopic.get(change.topicId);
      if (topic === undefined) byTopic.set(change.topicId, [change]);
      else topic.push(change);
    }
    return {
      brokerId: this.#options.brokerId,
      brokerEpoch: this.#options.brokerEpoch(),
      topics: [...byTopic].map(([topicId, topicChanges]) => ({
        topicId,
        partitions: topicChanges.map(({ partition, proposal }) => ({
          partitionIndex: partition,
          leaderEpoch: proposal.leaderEpoch,
          newIsrWithEpochs: [...proposal.newIsr],
          leaderRecoveryState: proposal.leaderRecoveryState,
          partitionEpoch: proposal.partitionEpoch,
        })),
      })),
    };
  }
}

function keyOf(topicId: TopicId, partition: number): string {
  return `${topicId}-${partition}`;
}
