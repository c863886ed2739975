/** What one request leaves in the counters of its API. */
import { expect, test } from 'vitest';
import { RequestCounters } from '../../../src/broker/request-counters.ts';
import { Errors } from '../../../src/protocol/errors.ts';

const PRODUCE = { apiKey: 0, name: 'Produce' };
const FETCH = { apiKey: 1, name: 'Fetch' };
const TIMES = { receivedMs: 100, startedMs: 103 };

const median = (histogram: { quantiles(shares: number[], nowMs: number): number[] } | undefined): number =>
  Math.round(histogram?.quantiles([0.5], 0)[0] ?? Number.NaN);

test('the times of a request that waited add up to its total', () => {
  const counters = new RequestCounters();
  const trace = counters.begin(PRODUCE, 9, {}, 500, TIMES);
  trace.onPending(105);
  expect(counters.of('Produce')?.pending).toBe(1);
  trace.onResumed(112);
  expect(counters.of('Produce')?.pending).toBe(0);
  trace.onEncoded(113, 60, { responses: [] });
  trace.onSent(115, 119);
  const produce = counters.of('Produce');
  expect(median(produce?.totalMs)).toBe(19);
  expect(median(produce?.queueMs)).toBe(3);
  expect(median(produce?.localMs)).toBe(3);
  expect(median(produce?.remoteMs)).toBe(7);
  expect(median(produce?.responseQueueMs)).toBe(2);
  expect(median(produce?.sendMs)).toBe(4);
  expect(produce?.requests[9]).toBe(1);
});

test('an answer that fails after it came is not waited for twice', () => {
  const counters = new RequestCounters();
  const trace = counters.begin(PRODUCE, 9, {}, 500, TIMES);
  trace.onPending(105);
  trace.onResumed(106);
  trace.onResumed(107);
  expect(counters.of('Produce')?.pending).toBe(0);
});

test('errors are counted for each partition, and NONE where nothing can fail', () => {
  const counters = new RequestCounters();
  const answer = (errorCode: number) => ({ index: 0, errorCode });
  const responses = [{ name: 't', partitionResponses: [answer(0), answer(0), answer(Errors.MESSAGE_TOO_LARGE)] }];
  counters.begin(PRODUCE, 9, {}, 500, TIMES).onEncoded(1, 1, { responses });
  counters.begin(PRODUCE, 9, {}, 500, TIMES).onEncoded(1, 1, { responses: [] });
  expect([...(counters.of('Produce')?.errors ?? [])]).toEqual([
    ['NONE', 3],
    ['MESSAGE_TOO_LARGE', 1],
  ]);
});

test.each([
  [17, { replicaState: { replicaId: 2 } }, 'FetchFollower'],
  [17, { replicaState: { replicaId: -1 } }, 'FetchConsumer'],
  [12, { replicaId: 3 }, 'FetchFollower'],
  [12, { replicaId: -1 }, 'FetchConsumer'],
])('a fetch of version %i by %j counts as Fetch and %s', (version, request, name) => {
  const counters = new RequestCounters();
  counters.begin(FETCH, version, request, 50, TIMES);
  const asked = counters.all.filter(({ requests }) => requests[version] === 1).map((each) => each.name);
  expect(asked.toSorted()).toEqual(['Fetch', name]);
});
