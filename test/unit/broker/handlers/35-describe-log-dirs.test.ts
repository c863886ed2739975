/** DescribeLogDirs: every directory, the wanted replicas, and what is out of service. */
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { describeLogDirs } from '../../../../src/broker/handlers/35-describe-log-dirs.ts';
import { Errors } from '../../../../src/protocol/errors.ts';
import { DescribeLogDirs } from '../../../../src/protocol/messages/35-describe-log-dirs.ts';
import { brokerWith, deskOf } from '../../../support/requests.ts';

function aLog(directory: string, topic: string, partition: number, sizeBytes: number) {
  const name = `${topic}-${partition}`;
  return { directory: { path: directory }, topic, partition, name, sizeBytes, highWatermark: 5, logEndOffset: 7 };
}

const logs = {
  all: () => [aLog('/a', 't', 0, 100), aLog('/a', 'u', 0, 50), aLog('/b', 't', 1, 200), aLog('/a', 't', 2, 300)],
  directories: [
    { path: '/a', isOffline: false, totalBytes: 1000, usableBytes: 400 },
    { path: '/b', isOffline: false, totalBytes: 2000, usableBytes: 500 },
    { path: '/c', isOffline: true, totalBytes: -1, usableBytes: -1 },
  ],
} as unknown as Broker['logs'];
const desk = deskOf([describeLogDirs], brokerWith({ logs }));

const replica = (partitionIndex: number, partitionSize: number) => ({
  partitionIndex,
  partitionSize,
  offsetLag: 0,
  isFutureKey: false,
});

describe('DescribeLogDirs', () => {
  it.each([0, 1, 2, 3, 4])('v%i tells of every directory and every replica', async (version) => {
    const space = (totalBytes: number, usableBytes: number) =>
      version >= 4 ? { totalBytes, usableBytes } : { totalBytes: -1, usableBytes: -1 };
    const t = { name: 't', partitions: [replica(0, 100), replica(2, 300)] };
    const u = { name: 'u', partitions: [replica(0, 50)] };
    expect(await desk.ask(DescribeLogDirs, version, { topics: null })).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      results: [
        { errorCode: 0, logDir: '/a', topics: [t, u], ...space(1000, 400) },
        { errorCode: 0, logDir: '/b', topics: [{ name: 't', partitions: [replica(1, 200)] }], ...space(2000, 500) },
        { errorCode: Errors.KAFKA_STORAGE_ERROR, logDir: '/c', topics: [], ...space(-1, -1) },
      ],
    });
  });

  it('tells only of the partitions that are asked for', async () => {
    const topics = [
      { topic: 't', partitions: [1, 9] },
      { topic: 'missing', partitions: [0] },
    ];
    const answer = await desk.ask(DescribeLogDirs, 2, { topics });
    expect(answer?.results.map(({ logDir, topics: found }) => [logDir, found.length])).toEqual([
      ['/a', 0],
      ['/b', 1],
      ['/c', 0],
    ]);
  });
});
