/** A topic's configuration follows what is stored for it, however slow and in whatever order the reads come back. */
import { describe, expect, it } from 'vitest';
import { TopicConfigs } from '../../../src/broker/topic-configs.ts';
import { brokerConfigFrom } from '../../../src/config/broker-config.ts';
import { withOverrides } from '../../../src/config/dynamic-config.ts';
import type { TopicConfig } from '../../../src/config/topic-config.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';

const broker = brokerConfigFrom({
  'broker.id': '1',
  'zookeeper.connect': 'localhost:2181',
  'log.segment.bytes': '1000000',
});

function configs(
  readOverrides: (topic: string) => Promise<ReadonlyMap<string, string>>,
  whenUpToDate: () => Promise<void> = async () => undefined,
) {
  const changes: [string, number][] = [];
  const warnings: string[] = [];
  const errors: string[] = [];
  const topicConfigs = new TopicConfigs({
    broker,
    readOverrides,
    whenUpToDate,
    onChange: (changed) => changes.push(...retentions(changed)),
    logger: {
      ...silentLogger,
      warn: (message) => warnings.push(message),
      error: (message) => errors.push(message),
    },
  });
  return { changes, warnings, errors, configs: topicConfigs };
}

const retentions = (changed: ReadonlyMap<string, TopicConfig>): [string, number][] =>
  [...changed].map(([topic, config]) => [topic, config.retentionMs]);

const retention = (ms: number): Map<string, string> => new Map([['retention.ms', String(ms)]]);

describe('the configuration of a topic', () => {
  it('is the overrides over the defaults of the broker', async () => {
    const { configs: topics, changes } = configs(async () => retention(1000));
    expect(topics.config('t').segmentBytes).toBe(1_000_000);
    const config = await topics.load('t');
    expect(config.retentionMs).toBe(1000);
    expect(config.segmentBytes).toBe(1_000_000);
    expect(topics.config('t')).toBe(config);
    expect(changes).toEqual([]);
  });

  it('is read again on a notification and told only when it changed', async () => {
    let stored = retention(1000);
    const { configs: topics, changes } = configs(async () => stored);
    await topics.load('t');
    await topics.refresh('t');
    stored = retention(2000);
    await topics.refresh('t');
    await topics.refresh('never loaded');
    expect(changes).toEqual([['t', 2000]]);
  });

  it('has other defaults when the broker has; who is not touched by that is not told', async () => {
    const live = { ...broker };
    const changes: [string, number][] = [];
    const topics = new TopicConfigs({
      broker: live,
      readOverrides: async (topic) => (topic === 'own' ? retention(1000) : new Map()),
      whenUpToDate: async () => undefined,
      onChange: (changed) => changes.push(...retentions(changed)),
      logger: silentLogger,
    });
    await topics.loadAll(['own', 'common']);
    Object.assign(live, withOverrides(live, { broker: new Map(), cluster: new Map([['log.retention.ms', '7']]) }));
    topics.refreshDefaults();
    expect(changes).toEqual([['common', 7]]);
    expect([topics.config('own').retentionMs, topics.config('new').retentionMs]).toEqual([1000, 7]);
  });

  it('costs little when many topics get other defaults', async () => {
    const live = { ...broker };
    const told: ReadonlyMap<string, TopicConfig>[] = [];
    const topics = new TopicConfigs({
      broker: live,
      readOverrides: async () => new Map(),
      whenUpToDate: async () => undefined,
      onChange: (changed) => told.push(changed),
      logger: silentLogger,
    });
    for (let index = 0; index < 100; index++) topics.remember(`t${index}`, new Map());
    const change = (name: string, text: string) => {
      Object.assign(live, withOverrides(live, { broker: new Map(), cluster: new Map([[name, text]]) }));
      topics.refreshDefaults();
    };
    change('max.connections', '5');
    expect(told).toEqual([]);
    change('min.insync.replicas', '2');
    expect(told.map(({ size }) => size)).toEqual([100]);
    expect(new Set(told[0]?.values()).size).toBe(1);
  });

  it('is not brought back by a slow read that began earlier', async () => {
    const reads: Deferred<ReadonlyMap<string, string>>[] = [];
    const { configs: topics, changes } = configs(() => {
      const read = new Deferred<ReadonlyMap<string, string>>();
      reads.push(read);
      return read.promise;
    });
    const load = topics.load('t');
    reads[0]?.resolve(retention(1));
    await load;
    const [slow, fast] = [topics.refresh('t'), topics.refresh('t')];
    reads[2]?.resolve(retention(3));
    await fast;
    reads[1]?.resolve(retention(2));
    await slow;
    expect(topics.config('t').retentionMs).toBe(3);
    expect(changes).toEqual([['t', 3]]);
  });

  it('keeps what it was when it cannot be read after a lost session', async () => {
    let isBroken = false;
    const { configs: topics, warnings } = configs(async (topic) => {
      if (isBroken && topic === 'b') throw new Error('connection loss');
      return retention(isBroken ? 7 : 5);
    });
    await topics.loadAll(['a', 'b']);
    isBroken = true;
    await topics.refreshAll();
    expect([topics.config('a').retentionMs, topics.config('b').retentionMs]).toEqual([7, 5]);
    expect(warnings).toEqual(['The configuration of topic b could not be read again']);
  });

  it('that was made a moment ago is read from where it is known, and not taken for one without settings', async () => {
    let isBehind = true;
    const { configs: topics } = configs(
      async () => (isBehind ? new Map() : retention(5)),
      async () => {
        isBehind = false;
      },
    );
    await topics.loadAll(['t']);
    expect(topics.config('t').retentionMs).toBe(5);
  });

  it('is read again with those of all others at once: a broker that starts waits for that', async () => {
    const isAsked = new Map([
      ['a', new Deferred()],
      ['b', new Deferred()],
    ]);
    const { configs: topics, changes } = configs(async (topic) => {
      isAsked.get(topic)?.resolve();
      for (const { promise } of isAsked.values()) await promise;
      return retention(7);
    });
    for (const topic of isAsked.keys()) topics.remember(topic, retention(5));
    await topics.refreshAll();
    expect(changes).toEqual([
      ['a', 7],
      ['b', 7],
    ]);
  });

  it('that cannot be read fails the load', async () => {
    const { configs: topics } = configs(() => Promise.reject(new Error('connection loss')));
    await expect(topics.loadAll(['a'])).rejects.toThrow('connection loss');
  });

  it('that makes no sense is told, and is in nobody else’s way', async () => {
    const { configs: topics, errors } = configs(async (topic) => {
      if (topic === 'b') throw new KafkaError('INVALID_CONFIG', 'Failed to parse the data of znode b');
      return retention(5);
    });
    expect([...(await topics.loadAll(['a', 'b', 'c']))]).toEqual(['b']);
    expect([topics.config('a').retentionMs, topics.config('c').retentionMs]).toEqual([5, 5]);
    expect(errors).toEqual(['The partitions of topic b are left out. Failed to parse the data of znode b']);
  });

  it('that was read before the logs were opened follows notifications, too', async () => {
    const { configs: topics, changes } = configs(async () => retention(7));
    topics.remember('t', retention(5));
    expect(topics.config('t').retentionMs).toBe(5);
    await topics.refresh('t');
    expect(changes).toEqual([['t', 7]]);
  });

  it('is forgotten with the topic', async () => {
    const { configs: topics, changes } = configs(async () => retention(5));
    await topics.load('t');
    topics.forget('t');
    expect(topics.config('t').retentionMs).toBe(604_800_000);
    await topics.refresh('t');
    expect(changes).toEqual([]);
  });

  it('stays forgotten when a read that began before comes back', async () => {
    const read = new Deferred<ReadonlyMap<string, string>>();
    const reads = [Promise.resolve(retention(1000)), read.promise];
    const { configs: topics } = configs(() => reads.shift() ?? Promise.resolve(new Map()));
    await topics.load('t');
    const refreshed = topics.refreshAll();
    topics.forget('t');
    read.resolve(retention(1000));
    await refreshed;
    expect(topics.config('t').retentionMs).toBe(topics.config('unknown').retentionMs);
  });

  it('belongs to names that break plain objects, too', async () => {
    const { configs: topics } = configs(async () => retention(5));
    await topics.load('__proto__');
    expect(topics.config('__proto__').retentionMs).toBe(5);
    expect(topics.config('constructor').retentionMs).toBe(604_800_000);
  });
});
