/** Changes of stored overrides when others write, too, or nothing can be reached. */
import { describe, expect, it } from 'vitest';
import { type ConfigStore, ConfigWriter } from '../../../src/broker/config-writer.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const NOTHING = { config: new Map<string, string>(), problem: null, version: null };
const clock = new ManualClock();

function writerOn(store: Partial<ConfigStore>): ConfigWriter {
  const all: ConfigStore = { read: async () => NOTHING, replace: async () => 'written', ...store };
  return new ConfigWriter({ store: all, requestTimeoutMs: 1000, clock, logger: silentLogger });
}

describe('a change', () => {
  it('is decided anew as long as somebody else is quicker', async () => {
    const seen: (number | null)[] = [];
    const writer = writerOn({
      read: async () => ({ ...NOTHING, version: seen.length }),
      replace: async (_kind, _name, _config, version) => {
        seen.push(version);
        return seen.length < 4 ? 'stale' : 'written';
      },
    });
    expect(await writer.change('topics', 't', ({ version }) => new Map([['v', `${version}`]]))).toBe('done');
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('is given up when others are always quicker', async () => {
    const writer = writerOn({ replace: async () => 'stale' });
    await expect(writer.change('topics', 't', () => new Map())).rejects.toMatchObject({ error: 'REQUEST_TIMED_OUT' });
  });

  it('is not made when none is wanted', async () => {
    const writer = writerOn({ replace: () => Promise.reject(new Error('written')) });
    expect(await writer.change('topics', 't', () => null)).toBe('done');
  });

  it('waits for the one before it, and no longer than it may', async () => {
    const order: string[] = [];
    const writer = writerOn({
      read: (_kind, name) => {
        order.push(name);
        return name === 'slow' ? new Promise(() => undefined) : Promise.resolve(NOTHING);
      },
    });
    const slow = writer.change('topics', 'slow', () => null);
    const behind = writer.change('topics', 'behind', () => null);
    await Promise.resolve();
    clock.advance(1000);
    for (const change of [slow, behind]) await expect(change).rejects.toMatchObject({ error: 'REQUEST_TIMED_OUT' });
    expect(order).toEqual(['slow']);
  });

  it('is not made any more after the answer that it took too long', async () => {
    const answer = new Deferred<typeof NOTHING>();
    const written: unknown[] = [];
    const writer = writerOn({
      read: () => answer.promise,
      replace: async (_kind, _name, config) => {
        written.push(config);
        return 'written';
      },
    });
    const change = writer.change('topics', 't', () => new Map());
    await Promise.resolve();
    clock.advance(1000);
    await expect(change).rejects.toMatchObject({ error: 'REQUEST_TIMED_OUT' });
    answer.resolve(NOTHING);
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toEqual([]);
  });

  it('of what cannot be reached may be tried again', async () => {
    const writer = writerOn({ read: () => Promise.reject(new Error('no session')) });
    await expect(writer.change('brokers', '1', () => null)).rejects.toMatchObject({
      error: 'REQUEST_TIMED_OUT',
      message: 'The configuration of brokers/1 was not changed in time.',
    });
    expect(await writerOn({}).change('brokers', '1', () => null)).toBe('done');
  });

  it('is refused at once when too many wait', async () => {
    const writer = writerOn({ read: () => new Promise(() => undefined) });
    const waiting = Array.from({ length: 1000 }, () => writer.change('topics', 't', () => null));
    await expect(writer.change('topics', 't', () => null)).rejects.toMatchObject({ error: 'REQUEST_TIMED_OUT' });
    clock.advance(1000);
    for (const outcome of await Promise.allSettled(waiting)) expect(outcome.status).toBe('rejected');
  });
});
