/** Group commit: who waits shares a sync, and nothing is called durable that was not synced. */
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/lib/deferred.ts';
import { Durability, SyncSlots } from '../../../src/log/durability.ts';

/** A log whose syncs end when the test says so. */
class SlowLog {
  logEndOffset = 0;
  readonly syncs: Deferred[] = [];
  failedWith: unknown = null;
  readonly durability: Durability;

  constructor(slots = new SyncSlots(2)) {
    this.durability = new Durability(this, slots, 0);
  }

  sync(): Promise<void> {
    const sync = new Deferred();
    this.syncs.push(sync);
    return sync.promise;
  }

  onSyncFailed(error: unknown): Error {
    this.failedWith = error;
    return new Error('offline');
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  promise.then(
    () => {
      done = true;
    },
    () => undefined,
  );
  await settle();
  return done;
}

describe('waiting for durability', () => {
  it('ends at once for what is durable, and for an empty log', async () => {
    const log = new SlowLog();
    await log.durability.whenDurable(0);
    await log.durability.whenDurable(100);
    expect(log.syncs.length).toBe(0);
  });

  it('shares one sync among all that ask in the same turn', async () => {
    const log = new SlowLog();
    log.logEndOffset = 1;
    const first = log.durability.whenDurable(1);
    log.logEndOffset = 2;
    const second = log.durability.whenDurable(2);
    await settle();
    expect(log.syncs.length).toBe(1);
    log.syncs[0]!.resolve();
    await Promise.all([first, second]);
    expect(log.durability.durableEndOffset).toBe(2);
    await settle();
    expect(log.syncs.length).toBe(1);
  });

  it('takes the next sync for what came while one was under way', async () => {
    const log = new SlowLog();
    log.logEndOffset = 1;
    const early = log.durability.whenDurable(1);
    await settle();
    log.logEndOffset = 3;
    const late = log.durability.whenDurable(3);
    const covered = log.durability.whenDurable(1);
    log.syncs[0]!.resolve();
    await Promise.all([early, covered]);
    expect(log.durability.durableEndOffset).toBe(1);
    expect(await isDone(late)).toBe(false);
    log.syncs[1]!.resolve();
    await late;
    expect([log.durability.durableEndOffset, log.syncs.length]).toEqual([3, 2]);
  });

  it('does not count what was cut off during the sync and written anew', async () => {
    const log = new SlowLog();
    log.logEndOffset = 10;
    const all = log.durability.whenDurable(10);
    await settle();
    log.logEndOffset = 4;
    log.durability.onTruncated(4);
    log.logEndOffset = 10;
    const anew = log.durability.whenDurable(10);
    log.syncs[0]!.resolve();
    await all;
    expect(log.durability.durableEndOffset).toBe(4);
    expect(await isDone(anew)).toBe(false);
    log.syncs[1]!.resolve();
    await anew;
    expect(log.durability.durableEndOffset).toBe(10);
  });

  it('fails for everybody, for ever, when a sync fails; the sync is not tried again', async () => {
    const log = new SlowLog();
    log.logEndOffset = 1;
    const first = log.durability.whenDurable(1);
    await settle();
    log.logEndOffset = 2;
    const second = log.durability.whenDurable(2);
    const failures = Promise.allSettled([first, second]);
    log.syncs[0]!.reject(new Error('EIO'));
    expect((await failures).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(String(log.failedWith)).toContain('EIO');
    await expect(log.durability.whenDurable(1)).rejects.toThrow('offline');
    expect([log.syncs.length, log.durability.durableEndOffset]).toEqual([1, 0]);
  });
});

describe('the syncs of a directory', () => {
  it('run a few at a time, each log in its turn', async () => {
    const slots = new SyncSlots(2);
    const logs = Array.from({ length: 4 }, () => new SlowLog(slots));
    const waiting = logs.map((log) => {
      log.logEndOffset = 1;
      return log.durability.whenDurable(1);
    });
    const outcomes = Promise.allSettled(waiting);
    await settle();
    expect(logs.map(({ syncs }) => syncs.length)).toEqual([1, 1, 0, 0]);
    logs[1]!.syncs[0]!.resolve();
    await settle();
    expect(logs.map(({ syncs }) => syncs.length)).toEqual([1, 1, 1, 0]);
    logs[0]!.syncs[0]!.reject(new Error('EIO'));
    logs[2]!.syncs[0]!.resolve();
    await settle();
    logs[3]!.syncs[0]!.resolve();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  });
});
