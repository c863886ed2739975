/** The loops of a broker that follows: how partitions are dealt out, also when there are to be more or fewer. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { Fetch } from '../../../src/protocol/messages/01-fetch.ts';
import type { Api, RequestIn, ResponseOut } from '../../../src/protocol/schema.ts';
import { AwaitedFollowers } from '../../../src/replica/awaited-followers.ts';
import type { LeaderClient } from '../../../src/replica/fetcher.ts';
import { Fetchers } from '../../../src/replica/fetchers.ts';
import { KAFKA_RULES, Partition } from '../../../src/replica/partition.ts';
import { ReplicaCounters } from '../../../src/replica/replica-counters.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { nextTurn } from '../../support/data-plane.ts';
import { aLogConfig, aStoredBatch, loadManager, TOPIC_ID } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const LEADER = 2;
const COUNT = 6;
type FetchedPartition = ResponseOut<typeof Fetch>['responses'][number]['partitions'][number];

/** One request of one loop. */
interface Sent {
  readonly partitions: number[];
  answer(...parts: Partial<FetchedPartition>[]): Promise<void>;
}

const settings = {
  ...{ brokerId: 1, replicaFetchWaitMaxMs: 500, replicaFetchMinBytes: 1, replicaFetchMaxBytes: 1000 },
  ...{ replicaFetchResponseMaxBytes: 10_000, replicaFetchBackoffMs: 1000, replicaSocketTimeoutMs: 30_000 },
  numReplicaFetchers: 1,
};
const clock = new ManualClock();
let sent: Sent[];
let logs: LogManager;
let fetchers: Fetchers;
let replicas: Partition[];

beforeEach(async () => {
  sent = [];
  settings.numReplicaFetchers = 1;
  logs = await loadManager({ disk: new CrashDisk() });
  fetchers = new Fetchers({
    ...{ settings, clock, logger: silentLogger, brokerEpoch: () => 101, connect: newClient },
    onFailed: (_partition, error) => expect.fail(String(error)),
  });
  replicas = Array.from({ length: COUNT }, (_, partition) => aFollower(partition));
  for (const replica of replicas) fetchers.follow(replica);
  await nextTurn();
});

function newClient(): LeaderClient {
  const waiting: Deferred<unknown>[] = [];
  return {
    send: <A extends Api>(_api: A, _version: number, request: RequestIn<A>): Promise<ResponseOut<A>> => {
      const answered = new Deferred<unknown>();
      waiting.push(answered);
      const { topics } = request as RequestIn<typeof Fetch>;
      const partitions = topics.flatMap((topic) => topic.partitions.map(({ partition }) => partition));
      sent.push({
        partitions,
        answer: async (...parts) => {
          const responses = [{ topic: '', topicId: TOPIC_ID, partitions: parts.map(fetched) }];
          answered.resolve({ throttleTimeMs: 0, errorCode: 0, sessionId: 77, nodeEndpoints: [], responses });
          await nextTurn();
        },
      });
      return answered.promise as Promise<ResponseOut<A>>;
    },
    close: () => {
      for (const answered of waiting) answered.reject(new Error('the connection was closed'));
    },
  };
}

function fetched(part: Partial<FetchedPartition>): FetchedPartition {
  return {
    ...{ partitionIndex: 0, errorCode: 0, highWatermark: 0, lastStableOffset: 0, logStartOffset: 0 },
    ...{ divergingEpoch: { epoch: -1, endOffset: -1n }, currentLeader: { leaderId: -1, leaderEpoch: -1 } },
    ...{ snapshotId: { endOffset: -1n, epoch: -1 }, abortedTransactions: null, preferredReadReplica: -1 },
    records: null,
    ...part,
  } as unknown as FetchedPartition;
}

function aFollower(partition: number): Partition {
  const log = logs.getOrCreate('t', partition, TOPIC_ID, aLogConfig({}), { isNew: true });
  const replica = new Partition('t', partition, log, {
    ...{ brokerId: 1, clock, logger: silentLogger, replicaLagTimeMaxMs: 30_000, rules: KAFKA_RULES },
    isrStore: { propose: () => expect.fail('a follower proposes nothing') },
    awaitedFollowers: new AwaitedFollowers(clock),
    brokerEpoch: () => 101,
    counters: new ReplicaCounters(),
    isBrokerAlive: () => true,
  });
  replica.becomeFollower({
    ...{ leader: LEADER, leaderEpoch: 5, isr: [LEADER], partitionEpoch: 0, leaderRecoveryState: 0 },
    ...{ controllerEpoch: 1, replicas: [1, LEADER], addingReplicas: [], removingReplicas: [] },
  });
  return replica;
}

async function resize(count: number): Promise<Sent[]> {
  const before = sent.length;
  settings.numReplicaFetchers = count;
  fetchers.resize();
  await nextTurn();
  return sent.slice(before);
}

describe('the loops', () => {
  it('become more and fewer, and each partition is of one of them', async () => {
    expect(sent.map(({ partitions }) => partitions)).toEqual([[0, 1, 2, 3, 4, 5]]);
    const asked = await resize(3);
    expect(fetchers.size).toBe(3);
    const moved = asked.flatMap(({ partitions }) => partitions).sort();
    expect(moved).toHaveLength(4);
    expect(asked).toHaveLength(2);
    const back = await resize(1);
    expect(fetchers.size).toBe(1);
    // The one loop that is left still waits for its first answer, and then asks for those that came to it.
    expect(back).toEqual([]);
    await sent[0]?.answer();
    expect(sent.at(-1)?.partitions.sort()).toEqual(moved);
    await fetchers.close();
  });

  it('take nothing from an answer to a question of another', async () => {
    const [first] = sent;
    const asked = await resize(3);
    const moved = asked[0]?.partitions[0] ?? expect.fail('nothing moved');
    const records = aStoredBatch(0, 5);
    await first?.answer({ partitionIndex: moved, records });
    expect(replicas[moved]?.log.logEndOffset).toBe(0);
    await asked[0]?.answer({ partitionIndex: moved, records });
    expect(replicas[moved]?.log.logEndOffset).toBeGreaterThan(0);
    await fetchers.close();
  });
});
