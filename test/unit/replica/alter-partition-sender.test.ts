/** How ISR changes get to the controller, whatever it answers. */
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Errors, type ErrorName } from '../../../src/protocol/errors.ts';
import type { AlterPartition } from '../../../src/protocol/messages/56-alter-partition.ts';
import type { RequestIn, ResponseOut } from '../../../src/protocol/schema.ts';
import { AlterPartitionSender } from '../../../src/replica/alter-partition-sender.ts';
import type { IsrChange } from '../../../src/replica/isr-store.ts';
import { nextTurn } from '../../support/data-plane.ts';
import { ManualClock } from '../../support/manual-clock.ts';

type Request = RequestIn<typeof AlterPartition>;
type Response = ResponseOut<typeof AlterPartition>;

const TOPIC_IDS = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg'] as const;

class Stage {
  readonly clock = new ManualClock();
  readonly requests: { request: Request; answer: Deferred<Response> }[] = [];
  readonly outcomes: string[] = [];
  readonly unwanted = new Set<string>();
  readonly sender = new AlterPartitionSender({
    brokerId: 1,
    brokerEpoch: () => 100,
    clock: this.clock,
    logger: silentLogger,
    requestTimeoutMs: 1000,
    channel: {
      send: (_api, version, request) => {
        expect(version).toBe(3);
        const answer = new Deferred<Response>();
        this.requests.push({ request, answer });
        return answer.promise;
      },
    },
  });

  change(topic: 0 | 1, partition: number, newIsr: readonly number[]): IsrChange {
    const name = `${topic}-${partition}(${newIsr})`;
    return {
      topicId: TOPIC_IDS[topic],
      topic: `t${topic}`,
      partition,
      proposal: {
        kind: 'shrink',
        leaderEpoch: 5,
        partitionEpoch: 7,
        newIsr: newIsr.map((brokerId) => ({ brokerId, brokerEpoch: 100 + brokerId })),
        leaderRecoveryState: 0,
      },
      isWanted: () => !this.unwanted.has(name),
      onAccepted: ({ isr, partitionEpoch }) => this.outcomes.push(`${name} is (${isr}) at ${partitionEpoch}`),
      onFailed: (error) => this.outcomes.push(`${name} ${error}`),
    };
  }

  /** The latest request: which partitions of which topics. */
  asked(): string[] {
    const { request } = this.requests.at(-1) ?? expect.fail('nothing was sent');
    return request.topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partitionIndex, newIsrWithEpochs }) => {
        const isr = (newIsrWithEpochs ?? []).map(({ brokerId }) => brokerId);
        return `${TOPIC_IDS.indexOf(topicId as (typeof TOPIC_IDS)[0])}-${partitionIndex}(${isr})`;
      }),
    );
  }

  async answer(error: ErrorName, partitionErrors: readonly ErrorName[] = []): Promise<void> {
    const { request, answer } = this.requests.at(-1) ?? expect.fail('nothing was sent');
    let index = 0;
    answer.resolve({
      throttleTimeMs: 0,
      errorCode: Errors[error],
      topics: request.topics.map(({ topicId, partitions }) => ({
        topicName: '',
        topicId: topicId ?? '',
        partitions: partitions.map(({ partitionIndex, newIsrWithEpochs }) => ({
          partitionIndex,
          errorCode: Errors[partitionErrors[index++] ?? 'NONE'],
          leaderId: 1,
          leaderEpoch: 5,
          isr: (newIsrWithEpochs ?? []).map(({ brokerId }) => brokerId),
          leaderRecoveryState: 0,
          partitionEpoch: 8,
        })),
      })),
    });
    await nextTurn();
  }
}

describe('the sender of ISR changes', () => {
  it('sends all changes of a turn in one request, with the epochs of the members', async () => {
    const stage = new Stage();
    stage.sender.propose(stage.change(0, 0, [1, 2]));
    stage.sender.propose(stage.change(0, 1, [1]));
    stage.sender.propose(stage.change(1, 0, [1]));
    await nextTurn();
    expect(stage.requests).toHaveLength(1);
    expect(stage.requests[0]?.request).toMatchObject({ brokerId: 1, brokerEpoch: 100 });
    expect(stage.requests[0]?.request.topics[0]?.partitions[0]).toEqual({
      partitionIndex: 0,
      leaderEpoch: 5,
      newIsrWithEpochs: [
        { brokerId: 1, brokerEpoch: 101 },
        { brokerId: 2, brokerEpoch: 102 },
      ],
      leaderRecoveryState: 0,
      partitionEpoch: 7,
    });
    await stage.answer('NONE', ['NONE', 'FENCED_LEADER_EPOCH']);
    expect(stage.outcomes).toEqual(['0-0(1,2) is (1,2) at 8', '0-1(1) FENCED_LEADER_EPOCH', '1-0(1) is (1) at 8']);
  });

  it('has one request in flight; what comes meanwhile goes with the next', async () => {
    const stage = new Stage();
    stage.sender.propose(stage.change(0, 0, [1]));
    await nextTurn();
    stage.sender.propose(stage.change(0, 1, [1]));
    stage.sender.propose(stage.change(0, 2, [1]));
    await nextTurn();
    expect(stage.requests).toHaveLength(1);
    await stage.answer('NONE');
    await nextTurn();
    expect(stage.asked()).toEqual(['0-1(1)', '0-2(1)']);
  });

  it.each(['STALE_BROKER_EPOCH', 'NOT_CONTROLLER', 'UNKNOWN_SERVER_ERROR'] as const)(
    'sends everything again a moment after %s',
    async (error) => {
      const stage = new Stage();
      stage.sender.propose(stage.change(0, 0, [1]));
      await nextTurn();
      await stage.answer(error);
      expect(stage.requests).toHaveLength(1);
      stage.clock.advance(50);
      await nextTurn();
      expect(stage.asked()).toEqual(['0-0(1)']);
      expect(stage.outcomes).toEqual([]);
    },
  );

  it('sends everything again when nobody answered, the newest change of each partition', async () => {
    const stage = new Stage();
    stage.sender.propose(stage.change(0, 0, [1, 2]));
    stage.sender.propose(stage.change(0, 1, [1]));
    await nextTurn();
    stage.sender.propose(stage.change(0, 0, [1]));
    stage.requests[0]?.answer.reject(new Error('lost'));
    await nextTurn();
    stage.clock.advance(50);
    await nextTurn();
    expect(stage.asked().sort()).toEqual(['0-0(1)', '0-1(1)']);
  });

  it('drops what nobody wants any more, before and after', async () => {
    const stage = new Stage();
    stage.sender.propose(stage.change(0, 0, [1]));
    stage.sender.propose(stage.change(0, 1, [1]));
    stage.unwanted.add('0-0(1)');
    await nextTurn();
    expect(stage.asked()).toEqual(['0-1(1)']);
    stage.unwanted.add('0-1(1)');
    await stage.answer('NONE');
    expect(stage.outcomes).toEqual([]);
  });

  it('tells a leader whose partition the answer forgot that nobody knows', async () => {
    const stage = new Stage();
    stage.sender.propose(stage.change(0, 0, [1]));
    await nextTurn();
    stage.requests[0]?.answer.resolve({ throttleTimeMs: 0, errorCode: 0, topics: [] });
    await nextTurn();
    expect(stage.outcomes).toEqual(['0-0(1) UNKNOWN_SERVER_ERROR']);
  });

  it('sends nothing more when it is closed', async () => {
    const stage = new Stage();
    stage.sender.propose(stage.change(0, 0, [1]));
    stage.sender.close();
    stage.sender.propose(stage.change(0, 1, [1]));
    await nextTurn();
    expect(stage.requests).toEqual([]);
  });
});
