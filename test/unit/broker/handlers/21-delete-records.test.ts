/** DeleteRecords through its bytes, over a real log; the followers are the test. */
import { describe, expect, it } from 'vitest';
import { errorName } from '../../../../src/protocol/errors.ts';
import { DeleteRecords } from '../../../../src/protocol/messages/21-delete-records.ts';
import { DataPlane, isSettled, type Role, TOPIC } from '../../../support/data-plane.ts';
import { aConnection } from '../../../support/requests.ts';

const TWO = { isr: [1, 2], replicas: [1, 2] };

type Answer = [string, number];

async function remove(
  plane: DataPlane,
  offset: number,
  { version = 2, topic = TOPIC, partition = 0, timeoutMs = 1000, connection = aConnection() } = {},
): Promise<Answer> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }];
  const response = await plane.desk.ask(DeleteRecords, version, { topics, timeoutMs }, connection);
  const answer = response?.topics[0]?.partitions[0];
  if (answer === undefined) throw new Error('no answer');
  return [errorName(answer.errorCode), answer.lowWatermark];
}

/** Three committed records. */
async function threeRecords(role: Role = {}): Promise<DataPlane> {
  const plane = await DataPlane.open();
  await plane.lead(role);
  plane.append(['a', 'b', 'c']);
  for (const replicaId of role.replicas ?? [])
    if (replicaId !== 1) await plane.fetchAs(replicaId, { fetchOffset: 3, logStartOffset: 0 });
  return plane;
}

describe('DeleteRecords', () => {
  it.each([0, 1, 2])('v%i moves the start of a log without followers at once', async (version) => {
    const plane = await threeRecords();
    expect(await remove(plane, 2, { version })).toEqual(['NONE', 2]);
    expect(plane.partition().log.logStartOffset).toBe(2);
    const below = await plane.fetch([{ fetchOffset: 1 }]);
    expect(errorName(below?.responses[0]?.partitions[0]?.errorCode ?? -1)).toBe('OFFSET_OUT_OF_RANGE');
  });

  it('takes -1 for all that is committed', async () => {
    const plane = await threeRecords({ ...TWO });
    plane.append(['not committed']);
    const answer = remove(plane, -1);
    await plane.fetchAs(2, { fetchOffset: 3, logStartOffset: 3 });
    expect(await answer).toEqual(['NONE', 3]);
    expect(plane.partition().log.logEndOffset).toBe(4);
  });

  it('never moves the start back', async () => {
    const plane = await threeRecords();
    await remove(plane, 2);
    expect(await remove(plane, 1)).toEqual(['NONE', 2]);
  });

  it.each([
    ['an offset beyond what is committed', 4, {}, 'OFFSET_OUT_OF_RANGE'],
    ['an offset that is none', -2, {}, 'OFFSET_OUT_OF_RANGE'],
    ['a partition that does not exist', 1, { partition: 7 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['a topic that does not exist', 1, { topic: 'nothing' }, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ])('refuses %s', async (_what, offset, asked, error) => {
    const plane = await threeRecords();
    expect(await remove(plane, offset, asked)).toEqual([error, -1]);
    expect(plane.partition().log.logStartOffset).toBe(0);
  });

  it('refuses a topic that is compacted only', async () => {
    const plane = await DataPlane.open({ cleanupPolicy: ['compact'] });
    await plane.lead();
    expect(await remove(plane, 0)).toEqual(['POLICY_VIOLATION', -1]);
  });

  it('refuses internal topics', async () => {
    const topic = '__consumer_offsets';
    const plane = await DataPlane.open();
    await plane.announce([{ topic }]);
    expect(await remove(plane, 0, { topic })).toEqual(['INVALID_TOPIC_EXCEPTION', -1]);
  });

  it('is not for followers', async () => {
    const plane = await threeRecords({ ...TWO });
    await plane.order([{ ...TWO, leader: 2, leaderEpoch: 2 }]);
    expect(await remove(plane, 1)).toEqual(['NOT_LEADER_OR_FOLLOWER', -1]);
  });

  it('answers when the last follower that lives has moved its start', async () => {
    const plane = await threeRecords({ isr: [1, 2, 3], replicas: [1, 2, 3] });
    const answer = remove(plane, 2);
    expect(await isSettled(answer)).toBe(false);
    await plane.fetchAs(2, { fetchOffset: 3, logStartOffset: 2 });
    await plane.fetchAs(3, { fetchOffset: 3, logStartOffset: 1 });
    expect(await isSettled(answer)).toBe(false);
    await plane.fetchAs(3, { fetchOffset: 3, logStartOffset: 2 });
    expect(await answer).toEqual(['NONE', 2]);
    expect(plane.partition().watcherCount).toBe(0);
  });

  it('does not wait for a follower whose broker has died', async () => {
    const plane = await threeRecords({ ...TWO });
    const answer = remove(plane, 2);
    expect(await isSettled(answer)).toBe(false);
    await plane.announce([{ ...TWO }], { liveBrokers: [] });
    plane.partition().onBrokerLost();
    expect(await answer).toEqual(['NONE', 2]);
  });

  it('tells the followers at once: a fetch that waits is answered with the new start', async () => {
    const plane = await threeRecords({ ...TWO });
    const waiting = plane.fetchAs(2, { fetchOffset: 3, logStartOffset: 0 }, { maxWaitMs: 500 });
    expect(await isSettled(waiting)).toBe(false);
    const answer = remove(plane, 2);
    expect((await waiting).logStartOffset).toBe(2);
    await plane.fetchAs(2, { fetchOffset: 3, logStartOffset: 2 });
    expect(await answer).toEqual(['NONE', 2]);
  });

  it('does not let a follower wait that has missed it', async () => {
    const plane = await threeRecords({ ...TWO });
    const answer = remove(plane, 2);
    const told = plane.fetchAs(2, { fetchOffset: 3, logStartOffset: 0 }, { maxWaitMs: 500 });
    expect(await isSettled(told)).toBe(true);
    expect((await told).logStartOffset).toBe(2);
    const waiting = plane.fetchAs(2, { fetchOffset: 3, logStartOffset: 2 }, { maxWaitMs: 500 });
    expect(await answer).toEqual(['NONE', 2]);
    expect(await isSettled(waiting)).toBe(false);
  });

  it('is REQUEST_TIMED_OUT when a follower does not come, with the low watermark there was', async () => {
    const plane = await threeRecords({ ...TWO });
    const answer = remove(plane, 2, { timeoutMs: 300 });
    expect(await isSettled(answer)).toBe(false);
    plane.clock.advance(300);
    expect(await answer).toEqual(['REQUEST_TIMED_OUT', 0]);
    expect(plane.partition().watcherCount).toBe(0);
  });

  it('ends with the leadership', async () => {
    const plane = await threeRecords({ ...TWO });
    const answer = remove(plane, 2);
    expect(await isSettled(answer)).toBe(false);
    await plane.order([{ ...TWO, leader: 2, leaderEpoch: 2 }]);
    expect(await answer).toEqual(['NOT_LEADER_OR_FOLLOWER', -1]);
  });

  it('ends with the connection', async () => {
    const plane = await threeRecords({ ...TWO });
    let close = (): void => undefined;
    const connection = {
      ...aConnection(),
      onClose: (callback: () => void) => {
        close = callback;
        return () => undefined;
      },
    };
    const answer = remove(plane, 2, { timeoutMs: 2_000_000_000, connection });
    expect(await isSettled(answer)).toBe(false);
    close();
    await answer;
    expect(plane.partition().watcherCount).toBe(0);
  });
});
