/** The runtime around a toy: a shard that counts, by records that say what the count is now. */
import { describe, expect, it } from 'vitest';
import type { RecordCodec } from '../../../src/coordinator/record-codec.ts';
import { CoordinatorRuntime } from '../../../src/coordinator/runtime.ts';
import type { Outcome, Shard, Ticket } from '../../../src/coordinator/shard.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { type ErrorName, KafkaError } from '../../../src/protocol/errors.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryPartition } from '../../support/memory-partition.ts';

interface Toy {
  readonly name: string;
  readonly count: number | null;
}

const codec: RecordCodec<Toy> = {
  encode: ({ name, count }) => ({
    key: Buffer.from(name),
    value: count === null ? null : Buffer.from(String(count)),
  }),
  decode: (key, value) => {
    const name = String(key);
    if (name.startsWith('?')) return null;
    if (name === 'damaged') throw new RangeError('damaged');
    return { name, count: value === null ? null : Number(String(value)) };
  },
};

class ToyShard implements Shard<Toy> {
  readonly counts = new Map<string, number>();
  readonly fired: string[] = [];
  readonly parked: Ticket[] = [];
  loadedAtMs: number | null = null;
  onLoadedOutcome: Outcome<Toy> = {};
  timerOutcome: Outcome<Toy> = {};

  replay({ name, count }: Toy): void {
    if (name === 'poison') throw new Error('no such toy');
    if (count === null) this.counts.delete(name);
    else this.counts.set(name, count);
  }

  onLoaded(nowMs: number): Outcome<Toy> {
    this.loadedAtMs = nowMs;
    return this.onLoadedOutcome;
  }

  onTimer(key: string): Outcome<Toy> {
    this.fired.push(key);
    return this.timerOutcome;
  }

  raise(name: string, ticket: Ticket): Outcome<Toy> {
    const count = (this.counts.get(name) ?? 0) + 1;
    return { records: [{ name, count }], replies: [{ ticket, response: count }] };
  }

  read(name: string, ticket: Ticket): Outcome<Toy> {
    return { replies: [{ ticket, response: this.counts.get(name) ?? 0 }] };
  }
}

function batchOf(records: readonly Toy[], options: Partial<Parameters<typeof buildBatch>[0]> = {}): Buffer {
  return buildBatch({ records: records.map((toy) => ({ ...codec.encode(toy), timestampMs: 1 })), ...options });
}

class House {
  readonly clock = new ManualClock();
  readonly partition = new MemoryPartition();
  readonly shards: ToyShard[] = [];
  readonly runtime = new CoordinatorRuntime<ToyShard, Toy>({
    newShard: () => {
      const shard = new ToyShard();
      this.prepare(shard);
      this.shards.push(shard);
      return shard;
    },
    codec,
    clock: this.clock,
    logger: silentLogger,
    commitTimeoutMs: 5000,
    loadSliceBytes: 200,
    compression: 'none',
  });
  prepare: (shard: ToyShard) => void = () => {};

  get shard(): ToyShard {
    const shard = this.shards.at(-1);
    if (shard === undefined) throw new Error('there is no shard');
    return shard;
  }

  async loaded(): Promise<void> {
    this.runtime.onElected(this.partition);
    await until(() => this.runtime.state(0) !== 'loading');
  }

  raise(name: string): Promise<number> {
    return this.runtime.request<number>(0, (shard, ticket) => shard.raise(name, ticket));
  }

  read(name: string): Promise<number> {
    return this.runtime.request<number>(0, (shard, ticket) => shard.read(name, ticket));
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 1000; turns++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come to pass');
}

/** The answer or the error's name when it is there, after all that can happen without time or commit has happened. */
async function stateOf(answer: Promise<unknown>): Promise<unknown> {
  const waiting = new Promise((resolve) => setImmediate(() => resolve('waiting')));
  const settled = answer.catch((error: unknown) => (error instanceof KafkaError ? error.error : error));
  return Promise.race([settled, waiting]);
}

describe('a coordinator that begins', () => {
  it('refuses requests until its log is loaded, and knows then what the log says', async () => {
    const house = new House();
    house.partition.put(batchOf([{ name: 'a', count: 1 }]));
    house.partition.put(
      batchOf([
        { name: 'a', count: 2 },
        { name: 'b', count: 7 },
      ]),
    );
    house.partition.commit();
    expect(await stateOf(house.read('a'))).toBe('NOT_COORDINATOR');
    house.runtime.onElected(house.partition);
    expect(house.runtime.state(0)).toBe('loading');
    expect(await stateOf(house.read('a'))).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    await house.loaded();
    expect(house.shard.loadedAtMs).toBe(house.clock.nowMs());
    expect(await house.read('a')).toBe(2);
    expect(await house.read('b')).toBe(7);
  });

  it('passes over gaps, emptied batches, tombstones and kinds of records that it does not know', async () => {
    const house = new House();
    const { partition } = house;
    partition.put(batchOf([{ name: 'a', count: 1 }]), 10);
    partition.put(batchOf([{ name: '?new', count: 1 }]), 25);
    partition.put(buildBatch({ records: [], lastOffset: 4 }), 30);
    partition.put(batchOf([{ name: 'b', count: 1 }]), 70);
    partition.put(batchOf([{ name: 'a', count: null }]), 71);
    partition.logEndOffset = 99; // Compaction has taken the rest.
    partition.commit();
    await house.loaded();
    expect([...house.shard.counts]).toEqual([['b', 1]]);
  });

  it('begins at the start of the log, also in the middle of a batch', async () => {
    const house = new House();
    house.partition.put(
      batchOf([
        { name: 'a', count: 1 },
        { name: 'b', count: 1 },
        { name: 'c', count: 1 },
      ]),
    );
    house.partition.logStartOffset = 1;
    house.partition.commit();
    await house.loaded();
    expect([...house.shard.counts.keys()]).toEqual(['b', 'c']);
  });

  it('takes what a transaction wrote when it was committed, and not when it was aborted or is open', async () => {
    const house = new House();
    const write = (producerId: number, name: string): void =>
      house.partition.put(
        batchOf([{ name, count: 1 }], { isTransactional: true, producerId, producerEpoch: 0, baseSequence: 0 }),
      );
    const mark = (producerId: number, type: number): void => {
      const key = Buffer.from([0, 0, 0, type]);
      house.partition.put(
        buildBatch({
          records: [{ key, value: Buffer.alloc(6), timestampMs: 1 }],
          isTransactional: true,
          isControl: true,
          producerId,
          producerEpoch: 0,
        }),
      );
    };
    write(1, 'committed');
    write(2, 'aborted');
    write(3, 'open');
    mark(2, 0);
    mark(1, 1);
    house.partition.commit();
    await house.loaded();
    expect([...house.shard.counts.keys()]).toEqual(['committed']);
  });

  it('answers no reader before what it loaded is committed', async () => {
    const house = new House();
    house.partition.put(batchOf([{ name: 'a', count: 1 }]));
    await house.loaded();
    const answer = house.read('a');
    expect(await stateOf(answer)).toBe('waiting');
    house.partition.commit();
    expect(await answer).toBe(1);
  });

  it('is not the coordinator when its log is damaged, until the next leadership finds it whole', async () => {
    const house = new House();
    house.partition.put(batchOf([{ name: 'damaged', count: 1 }]));
    house.partition.commit();
    await house.loaded();
    expect(await stateOf(house.read('a'))).toBe('NOT_COORDINATOR');
    expect(house.partition.watcherCount).toBe(0);
    house.partition.appended.splice(0);
    house.partition.win();
    await house.loaded();
    expect(await house.read('a')).toBe(0);
  });

  it('loads several partitions one after the other and serves those that are loaded', async () => {
    const house = new House();
    const second = new MemoryPartition(1);
    house.partition.put(batchOf([{ name: 'a', count: 1 }]));
    house.partition.commit();
    second.put(batchOf([{ name: 'a', count: 2 }]));
    second.commit();
    second.isCold = true;
    house.runtime.onElected(house.partition);
    house.runtime.onElected(second);
    await until(() => second.waitingReads === 1);
    expect(await house.read('a')).toBe(1);
    expect(house.runtime.state(1)).toBe('loading');
    second.letReadsGoOn();
    await until(() => house.runtime.state(1) === 'active');
    expect([...house.runtime.active()]).toHaveLength(2);
  });
});

describe('a load', () => {
  it('that lost its leadership feeds nothing any more, also when this broker leads again meanwhile', async () => {
    const house = new House();
    const { partition } = house;
    for (let count = 1; count <= 20; count++) partition.put(batchOf([{ name: `toy ${count}`, count }]));
    partition.commit();
    partition.isCold = true;
    house.runtime.onElected(partition);
    await until(() => partition.waitingReads === 1);
    partition.lose();
    expect(house.runtime.state(0)).toBe('closed');
    partition.win();
    house.runtime.onElected(partition);
    const [first, second] = house.shards;
    partition.isCold = false;
    partition.letReadsGoOn();
    await until(() => house.runtime.state(0) === 'active');
    expect(first?.counts.size).toBe(0);
    expect(first?.loadedAtMs).toBeNull();
    expect(second?.counts.size).toBe(20);
  });

  it('goes on at a newer epoch of the same leadership', async () => {
    const house = new House();
    const { partition } = house;
    partition.put(batchOf([{ name: 'a', count: 1 }]));
    partition.commit();
    partition.isCold = true;
    house.runtime.onElected(partition);
    await until(() => partition.waitingReads === 1);
    partition.win();
    house.runtime.onElected(partition);
    partition.letReadsGoOn();
    await until(() => house.runtime.state(0) === 'active');
    expect(house.shards).toHaveLength(1);
    expect(await house.read('a')).toBe(1);
  });
});

describe('a decision', () => {
  it('is in the log and in the shard at once, and is answered when it is committed', async () => {
    const house = new House();
    await house.loaded();
    const answer = house.raise('a');
    expect(house.partition.contents()).toEqual([{ key: 'a', value: '1' }]);
    expect(house.shard.counts.get('a')).toBe(1);
    expect(await stateOf(answer)).toBe('waiting');
    house.partition.commit();
    expect(await answer).toBe(1);
  });

  it('is answered in the order of the commits, and a reader waits for what it has seen', async () => {
    const house = new House();
    await house.loaded();
    const first = house.raise('a');
    const second = house.raise('a');
    const reader = house.read('a');
    house.partition.commit(1);
    expect(await stateOf(first)).toBe(1);
    expect(await stateOf(second)).toBe('waiting');
    expect(await stateOf(reader)).toBe('waiting');
    house.partition.commit(2);
    expect(await stateOf(second)).toBe(2);
    expect(await stateOf(reader)).toBe(2);
  });

  it('answers at once what speaks of nothing in the log', async () => {
    const house = new House();
    await house.loaded();
    const answer = house.runtime.request(0, (_shard, ticket) => ({
      records: [{ name: 'a', count: 5 }],
      immediateReplies: [{ ticket, response: 'soon' }],
    }));
    expect(await stateOf(answer)).toBe('soon');
  });

  it('that is not committed in time is answered COORDINATOR_NOT_AVAILABLE, each at its own time', async () => {
    const house = new House();
    await house.loaded();
    const first = house.raise('a');
    house.clock.advance(3000);
    const second = house.raise('b');
    house.clock.advance(1999);
    expect(await stateOf(first)).toBe('waiting');
    house.clock.advance(1);
    expect(await stateOf(first)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(await stateOf(second)).toBe('waiting');
    house.partition.commit();
    expect(await stateOf(second)).toBe(1);
    house.clock.advance(10_000);
    expect(house.clock.waitingCount).toBe(0);
    expect(house.runtime.ticketCount).toBe(0);
  });

  it('that was committed by too few replicas is answered COORDINATOR_NOT_AVAILABLE', async () => {
    const house = new House();
    await house.loaded();
    const answer = house.raise('a');
    house.partition.commit(1, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND');
    expect(await stateOf(answer)).toBe('COORDINATOR_NOT_AVAILABLE');
  });

  it.each<[ErrorName, ErrorName]>([
    ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE'],
    ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
    ['MESSAGE_TOO_LARGE', 'UNKNOWN_SERVER_ERROR'],
  ])('that the log refuses with %s changes nothing and is answered %s', async (refusal, error) => {
    const house = new House();
    await house.loaded();
    house.partition.refusal = refusal;
    const other = house.runtime.request(0, (shard, ticket) => {
      shard.parked.push(ticket);
      return {};
    });
    const answer = house.runtime.request(0, (shard, ticket) => ({
      records: [{ name: 'a', count: 1 }],
      timers: [{ key: 'a', delayMs: 10 }],
      replies: [
        { ticket, response: 1 },
        { ticket: shard.parked[0] ?? -1, response: 2 },
      ],
    }));
    expect(await stateOf(answer)).toBe(error);
    expect(await stateOf(other)).toBe(error);
    expect(house.shard.counts.size).toBe(0);
    house.clock.advance(1000);
    expect(house.shard.fired).toEqual([]);
  });

  it('that the log refuses is replaced by what the shard has thought of for that', async () => {
    const house = new House();
    await house.loaded();
    house.partition.refusal = 'NOT_ENOUGH_REPLICAS';
    const answer = house.runtime.request(0, (_shard, ticket) => ({
      records: [{ name: 'a', count: 1 }],
      replies: [{ ticket, response: 1 }],
      onRefused: (error) => ({ immediateReplies: [{ ticket, response: `sorry: ${error}` }] }),
    }));
    expect(await stateOf(answer)).toBe('sorry: COORDINATOR_NOT_AVAILABLE');
  });

  it('that fails by a fault of ours is answered UNKNOWN_SERVER_ERROR and harms nobody else', async () => {
    const house = new House();
    await house.loaded();
    const answer = house.runtime.request(0, () => {
      throw new TypeError('a fault');
    });
    expect(await stateOf(answer)).toBe('UNKNOWN_SERVER_ERROR');
    house.partition.isAlone = true;
    expect(await house.raise('a')).toBe(1);
  });

  it('is put off when too many wait already', async () => {
    const house = new House();
    await house.loaded();
    const waiting = Array.from({ length: 50_000 }, () => house.runtime.request(0, () => ({})));
    expect(await stateOf(house.raise('a'))).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    house.partition.lose();
    const answers = await Promise.allSettled(waiting);
    expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('that is refused again and again ends all the same', async () => {
    const house = new House();
    await house.loaded();
    house.partition.refusal = 'NOT_ENOUGH_REPLICAS';
    const insist = (ticket: Ticket): Outcome<Toy> => ({
      records: [{ name: 'a', count: 1 }],
      replies: [{ ticket, response: 1 }],
      onRefused: () => insist(ticket),
    });
    const answer = house.runtime.request(0, (_shard, ticket) => insist(ticket));
    expect(await stateOf(answer)).toBe('COORDINATOR_NOT_AVAILABLE');
  });

  it('that the shard cannot replay makes it load its log anew', async () => {
    const house = new House();
    house.partition.isAlone = true;
    await house.loaded();
    await house.raise('a');
    const parked = house.runtime.request(0, () => ({}));
    const answer = house.runtime.request(0, (_shard, ticket) => ({
      records: [{ name: 'poison', count: 1 }],
      replies: [{ ticket, response: 1 }],
    }));
    expect(await stateOf(answer)).toBe('NOT_COORDINATOR');
    expect(await stateOf(parked)).toBe('NOT_COORDINATOR');
    await until(() => house.shards.length === 2 && house.runtime.state(0) === 'closed');
    expect(house.shard.counts.get('a')).toBe(1);
  });
});

describe('a leadership that ends', () => {
  it.each<ErrorName>(['NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_TOPIC_OR_PARTITION', 'KAFKA_STORAGE_ERROR'])(
    'with %s answers everybody who waits NOT_COORDINATOR',
    async (reason) => {
      const house = new House();
      await house.loaded();
      const parked = house.runtime.request(0, () => ({}));
      const uncommitted = house.raise('a');
      house.partition.lose(reason);
      expect(await stateOf(parked)).toBe('NOT_COORDINATOR');
      expect(await stateOf(uncommitted)).toBe('NOT_COORDINATOR');
      expect(await stateOf(house.raise('a'))).toBe('NOT_COORDINATOR');
      expect(house.runtime.ticketCount).toBe(0);
      expect(house.partition.watcherCount).toBe(0);
    },
  );

  it('takes the timers with it', async () => {
    const house = new House();
    await house.loaded();
    void house.runtime.request(0, () => ({ timers: [{ key: 'a', delayMs: 10 }] })).catch(() => 'closed');
    expect(house.clock.waitingCount).toBe(1);
    house.partition.lose();
    house.clock.advance(1000);
    expect(house.shard.fired).toEqual([]);
    expect(house.clock.waitingCount).toBe(0);
  });

  it('fences an append even when nobody has told the shard yet', async () => {
    const house = new House();
    await house.loaded();
    house.partition.leaderEpoch++;
    expect(await stateOf(house.raise('a'))).toBe('NOT_COORDINATOR');
    expect(house.partition.contents()).toEqual([]);
  });

  it('and begins again with a newer epoch loads what the leaders between have written', async () => {
    const house = new House();
    await house.loaded();
    const lost = house.raise('a');
    house.partition.lose();
    expect(await stateOf(lost)).toBe('NOT_COORDINATOR');
    house.partition.appended.splice(0);
    house.partition.logEndOffset = 0;
    house.partition.put(batchOf([{ name: 'b', count: 9 }]));
    house.partition.commit();
    house.partition.win();
    await house.loaded();
    expect(await house.read('a')).toBe(0);
    expect(await house.read('b')).toBe(9);
  });

  it('by a newer epoch of the same leader changes nothing for clients', async () => {
    const house = new House();
    await house.loaded();
    const answer = house.raise('a');
    house.partition.win();
    house.runtime.onElected(house.partition);
    house.partition.commit();
    expect(await answer).toBe(1);
    expect(house.shards).toHaveLength(1);
    house.partition.isAlone = true;
    expect(await house.raise('a')).toBe(2);
  });

  it('because the broker stops refuses everything from then on', async () => {
    const house = new House();
    await house.loaded();
    const parked = house.runtime.request(0, () => ({}));
    await house.runtime.close();
    expect(await stateOf(parked)).toBe('NOT_COORDINATOR');
    house.runtime.onElected(house.partition);
    expect(await stateOf(house.raise('a'))).toBe('COORDINATOR_NOT_AVAILABLE');
  });
});

describe('timers', () => {
  it('fire once, are replaced by the same name, and can be cancelled', async () => {
    const house = new House();
    await house.loaded();
    const set = (...timers: { key: string; delayMs: number | null }[]): void => {
      house.runtime.tellAll('set', () => ({ timers }));
    };
    set({ key: 'a', delayMs: 10 }, { key: 'b', delayMs: 20 });
    set({ key: 'a', delayMs: 30 });
    house.clock.advance(25);
    expect(house.shard.fired).toEqual(['b']);
    house.clock.advance(10);
    expect(house.shard.fired).toEqual(['b', 'a']);
    set({ key: 'a', delayMs: 10 });
    set({ key: 'a', delayMs: null });
    house.clock.advance(100);
    expect(house.shard.fired).toEqual(['b', 'a']);
  });

  it('whose records the log refuses come again', async () => {
    const house = new House();
    await house.loaded();
    house.shard.timerOutcome = { records: [{ name: 'a', count: 1 }] };
    house.partition.refusal = 'NOT_ENOUGH_REPLICAS';
    house.runtime.tellAll('set', () => ({ timers: [{ key: 'a', delayMs: 10 }] }));
    house.clock.advance(10);
    house.clock.advance(500);
    expect(house.shard.fired).toEqual(['a', 'a']);
    house.partition.refusal = null;
    house.clock.advance(500);
    expect(house.shard.counts.get('a')).toBe(1);
    house.clock.advance(5000);
    expect(house.shard.fired).toHaveLength(3);
  });
});

describe('what nobody asked for', () => {
  it('is decided after the load by those that are being loaded', async () => {
    const house = new House();
    house.partition.put(batchOf([{ name: 'a', count: 4 }]));
    house.partition.commit();
    house.runtime.onElected(house.partition);
    const order: string[] = [];
    house.prepare = () => {};
    house.runtime.tellAll('look', (shard) => {
      order.push(`told of ${shard.counts.get('a')} at ${shard.loadedAtMs !== null}`);
      return {};
    });
    await house.loaded();
    expect(order).toEqual(['told of 4 at true']);
  });

  it('is decided again when the log refused it, once for each name', async () => {
    const house = new House();
    await house.loaded();
    house.partition.refusal = 'NOT_ENOUGH_REPLICAS';
    for (let count = 1; count <= 3; count++) house.runtime.tellAll('same', () => ({ records: [{ name: 'a', count }] }));
    house.partition.refusal = null;
    house.clock.advance(500);
    expect(house.partition.contents()).toEqual([{ key: 'a', value: '3' }]);
  });

  it('after a load is decided again too', async () => {
    const house = new House();
    house.prepare = (shard) => {
      shard.onLoadedOutcome = { records: [{ name: 'a', count: 1 }], timers: [{ key: 't', delayMs: 5 }] };
    };
    house.partition.refusal = 'NOT_ENOUGH_REPLICAS';
    await house.loaded();
    house.clock.advance(100);
    expect(house.shard.fired).toEqual([]);
    house.partition.refusal = null;
    house.clock.advance(405);
    expect(house.shard.fired).toEqual(['t']);
    expect(house.shard.counts.get('a')).toBe(1);
  });
});
