/** AlterConfigs and IncrementalAlterConfigs, through their bytes, over a ZooKeeper in memory. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigWriter } from '../../../../src/broker/config-writer.ts';
import { alterConfigs } from '../../../../src/broker/handlers/33-alter-configs.ts';
import { incrementalAlterConfigs } from '../../../../src/broker/handlers/44-incremental-alter-configs.ts';
import { brokerConfigFrom } from '../../../../src/config/broker-config.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { MetadataCache } from '../../../../src/metadata/metadata-cache.ts';
import { errorName } from '../../../../src/protocol/errors.ts';
import { AlterConfigs } from '../../../../src/protocol/messages/33-alter-configs.ts';
import { IncrementalAlterConfigs } from '../../../../src/protocol/messages/44-incremental-alter-configs.ts';
import { ensurePersistentPaths } from '../../../../src/zk/bootstrap.ts';
import { readConfig, readStoredConfig, replaceConfig } from '../../../../src/zk/configs.ts';
import { ConfigChangeNotificationZnode, ConfigZnode, TopicZnode } from '../../../../src/zk/znodes.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryZooKeeper, type MemoryZooKeeperClient } from '../../../support/memory-zookeeper.ts';
import { brokerWith, type Desk, deskOf } from '../../../support/requests.ts';

const TOPIC = 2;
const BROKER = 4;
const LOGGER = 8;
const SET = 0;
const DELETE = 1;
const APPEND = 2;

let zk: MemoryZooKeeperClient;
let desk: Desk;

beforeEach(async () => {
  zk = new MemoryZooKeeper().client();
  await ensurePersistentPaths(zk);
  for (const topic of ['t', 'u']) await zk.create(TopicZnode.path(topic), null);
  desk = newDesk();
});

function newDesk(): Desk {
  const clock = new ManualClock();
  const configWriter = new ConfigWriter({
    store: {
      read: (kind, name) => readStoredConfig(zk, kind, name),
      replace: (kind, name, config, version) => replaceConfig(zk, kind, name, config, version),
    },
    requestTimeoutMs: 1000,
    clock,
    logger: silentLogger,
  });
  const config = brokerConfigFrom({ 'broker.id': '1', 'zookeeper.connect': 'localhost:2181' });
  const metadata = new MetadataCache();
  const state = { controllerEpoch: 1, leader: 1, leaderEpoch: 0, isr: [1], zkVersion: 0, replicas: [1] };
  metadata.applyUpdateMetadata({
    controllerId: 1,
    controllerEpoch: 1,
    type: 2,
    topicStates: ['t', 'u', 'ghost'].map((topicName, index) => ({
      topicName,
      topicId: Buffer.alloc(16, index + 1).toString('base64url'),
      partitionStates: [{ ...state, partitionIndex: 0, offlineReplicas: [] }],
    })),
    liveBrokers: [],
  });
  return deskOf([alterConfigs, incrementalAlterConfigs], brokerWith({ clock, config, metadata, configWriter }));
}

type Entry = [name: string, value: string | null, operation?: number];

/** The error of each resource with its words, or null. */
async function incremental(resources: [type: number, name: string, ...Entry[]][], validateOnly = false, version = 1) {
  const answer = await desk.ask(IncrementalAlterConfigs, version, {
    resources: resources.map(([resourceType, resourceName, ...entries]) => ({
      resourceType,
      resourceName,
      configs: entries.map(([name, value, configOperation = SET]) => ({ name, value, configOperation })),
    })),
    validateOnly,
  });
  expect(answer?.responses.map(({ resourceName }) => resourceName)).toEqual(resources.map(([, name]) => name));
  return answer?.responses.map(({ errorCode, errorMessage }) =>
    errorCode === 0 ? errorMessage : `${errorName(errorCode)}: ${errorMessage}`,
  );
}

async function whole(resources: [type: number, name: string, ...Entry[]][], validateOnly = false, version = 2) {
  const answer = await desk.ask(AlterConfigs, version, {
    resources: resources.map(([resourceType, resourceName, ...entries]) => ({
      resourceType,
      resourceName,
      configs: entries.map(([name, value]) => ({ name, value })),
    })),
    validateOnly,
  });
  return answer?.responses.map(({ errorCode, errorMessage }) =>
    errorCode === 0 ? errorMessage : `${errorName(errorCode)}: ${errorMessage}`,
  );
}

const stored = async (type: 'topics' | 'brokers', name: string) => Object.fromEntries(await readConfig(zk, type, name));

async function notified(): Promise<string[]> {
  const names = ((await zk.children(ConfigChangeNotificationZnode.path)) ?? []).sort();
  const contents = await Promise.all(names.map((name) => zk.get(`${ConfigChangeNotificationZnode.path}/${name}`)));
  return contents.map((content) => {
    const { type, name } = ConfigChangeNotificationZnode.decode(content?.data ?? null);
    return `${type}/${name}`;
  });
}

describe('IncrementalAlterConfigs', () => {
  it.each([0, 1])('v%i changes what is named and leaves the rest', async (version) => {
    expect(await incremental([[TOPIC, 't', ['segment.bytes', '1000'], ['retention.ms', '5']]], false, version)).toEqual(
      [null],
    );
    const more: Entry[] = [
      ['segment.bytes', null, DELETE],
      ['cleanup.policy', 'compact', APPEND],
    ];
    expect(await incremental([[TOPIC, 't', ...more]], false, version)).toEqual([null]);
    expect(await stored('topics', 't')).toEqual({ 'retention.ms': '5', 'cleanup.policy': 'delete,compact' });
    expect(await notified()).toEqual(['topics/t', 'topics/t']);
  });

  it('answers each resource for itself, in order', async () => {
    expect(
      await incremental([
        [TOPIC, 't', ['segment.bytes', 'x']],
        [TOPIC, 'u', ['segment.bytes', '1000']],
        [TOPIC, 'missing', ['segment.bytes', '1000']],
        [BROKER, '', ['num.io.threads', '4']],
        [BROKER, '1', ['log.retention.ms', '7']],
      ]),
    ).toEqual([
      "INVALID_CONFIG: Invalid config value for resource ConfigResource(type=TOPIC, name='t'): " +
        'Invalid value x for configuration segment.bytes: Not a number of type INT',
      null,
      "UNKNOWN_TOPIC_OR_PARTITION: The topic 'missing' does not exist.",
      null,
      null,
    ]);
    expect(await stored('topics', 'u')).toEqual({ 'segment.bytes': '1000' });
    expect(await stored('brokers', '<default>')).toEqual({ 'num.io.threads': '4' });
    expect(await stored('brokers', '1')).toEqual({ 'log.retention.ms': '7' });
    expect(await notified()).toEqual(['topics/u', 'brokers/<default>', 'brokers/1']);
  });

  it('changes nothing when it is only to validate', async () => {
    expect(await incremental([[TOPIC, 't', ['segment.bytes', '1000']]], true)).toEqual([null]);
    expect(await incremental([[BROKER, '', ['num.io.threads', '4']]], true)).toEqual([null]);
    expect(await incremental([[TOPIC, 't', ['segment.bytes', '1']]], true)).toEqual([
      expect.stringContaining('Value must be at least 14'),
    ]);
    expect([await stored('topics', 't'), await notified()]).toEqual([{}, []]);
  });

  it.each<[string, [number, string, ...Entry[]], string]>([
    [
      'a key twice',
      [TOPIC, 't', ['a', '1'], ['a', '2', DELETE]],
      'INVALID_REQUEST: Error due to duplicate config keys',
    ],
    ['no value', [TOPIC, 't', ['a', null], ['b', null]], 'INVALID_REQUEST: Null value not supported for : a, b'],
    ['all topics', [TOPIC, '', ['a', '1']], 'INVALID_REQUEST: Default topic resources are not allowed.'],
    ['an unknown key', [TOPIC, 't', ['a', '1']], 'INVALID_CONFIG: Unknown topic config name: a'],
    [
      'a path',
      [TOPIC, '../t', ['segment.bytes', '100']],
      "UNKNOWN_TOPIC_OR_PARTITION: The topic '../t' does not exist.",
    ],
    ['an odd operation', [TOPIC, 't', ['segment.bytes', '1', 9]], 'INVALID_REQUEST: Unknown operations type 9'],
    [
      'a list that is none',
      [TOPIC, 't', ['segment.bytes', '1', APPEND]],
      'INVALID_CONFIG: Config value append is not allowed for config key: segment.bytes',
    ],
    [
      'keys at odds',
      [TOPIC, 't', ['min.compaction.lag.ms', '9'], ['max.compaction.lag.ms', '8']],
      'INVALID_CONFIG: conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (8)',
    ],
    ['another broker', [BROKER, '2', ['a', '1']], 'INVALID_REQUEST: Unexpected broker id, expected 1, but received 2'],
    ['no broker', [BROKER, 'one', ['a', '1']], 'INVALID_REQUEST: Node id must be an integer, but it is: one'],
    [
      'a fixed key',
      [BROKER, '1', ['port', '1']],
      'INVALID_REQUEST: Cannot update these configs dynamically: Set(port)',
    ],
    ['a logger', [LOGGER, '1', ['kafka.x', 'INFO']], 'INVALID_CONFIG: Logger kafka.x does not exist!'],
    [
      'a list of a logger',
      [LOGGER, '1', ['kafka.x', 'INFO', APPEND]],
      'INVALID_REQUEST: APPEND operation is not allowed for the BROKER_LOGGER resource',
    ],
    ['another logger', [LOGGER, '2', ['x', 'INFO']], 'INVALID_REQUEST: Unexpected node id. Expected 1, but received 2'],
    [
      'client metrics',
      [16, 'm', ['a', '1']],
      'INVALID_REQUEST: AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS',
    ],
    ['an odd type', [33, 'm', ['a', '1']], 'INVALID_REQUEST: Unknown resource type 33'],
  ])('refuses %s', async (_what, resource, expected) => {
    expect(await incremental([resource])).toEqual([expected]);
    expect(await notified()).toEqual([]);
  });

  it('refuses a resource that is there twice, and no other', async () => {
    const twice = 'INVALID_REQUEST: Each resource must appear at most once.';
    const resources: [number, string, ...Entry[]][] = ['t', 'u', 't'].map((name) => [
      TOPIC,
      name,
      ['retention.ms', '5'],
    ]);
    expect(await incremental(resources)).toEqual([twice, null, twice]);
    expect(await stored('topics', 't')).toEqual({});
  });

  it('leaves nothing behind for a topic that is gone, though the broker has not heard of it', async () => {
    expect(await incremental([[TOPIC, 'ghost', ['retention.ms', '5']]])).toEqual([
      "UNKNOWN_TOPIC_OR_PARTITION: Topic 'ghost' does not exist.",
    ]);
    expect(await zk.exists(ConfigZnode.path('topics', 'ghost'))).toBeNull();
  });

  it('waits only once for what is out of reach', async () => {
    let reads = 0;
    zk.get = () => {
      reads++;
      return Promise.reject(new Error('session lost'));
    };
    expect(
      await incremental([
        [TOPIC, 't', ['retention.ms', '5']],
        [TOPIC, 'u', ['retention.ms', '5']],
        [BROKER, '1', ['log.retention.ms', '7']],
      ]),
    ).toEqual([
      'REQUEST_TIMED_OUT: The configuration of topics/t was not changed in time.',
      'REQUEST_TIMED_OUT: Not tried, because another resource of the request took too long.',
      'REQUEST_TIMED_OUT: Not tried, because another resource of the request took too long.',
    ]);
    expect(reads).toBe(1);
  });

  it('keeps every change of many brokers at once', async () => {
    const names = [
      'segment.bytes',
      'retention.ms',
      'flush.ms',
      'segment.ms',
      'file.delete.delay.ms',
      'retention.bytes',
    ];
    const desks = [newDesk(), newDesk(), newDesk()];
    await Promise.all(
      names.map((name, index) => {
        desk = desks[index % desks.length] as Desk;
        return incremental([[TOPIC, 't', [name, '1000']]]);
      }),
    );
    expect(await stored('topics', 't')).toEqual(Object.fromEntries(names.map((name) => [name, '1000'])));
  });

  it('does not build on what makes no sense; a whole replacement mends it', async () => {
    await zk.create(ConfigZnode.path('topics', 't'), Buffer.from('{"version":1'));
    expect(await incremental([[TOPIC, 't', ['retention.ms', '5']]])).toEqual([
      expect.stringMatching(/^INVALID_CONFIG: Invalid config value for resource .*\/config\/topics\/t/),
    ]);
    expect(await whole([[TOPIC, 't', ['retention.ms', '5']]])).toEqual([null]);
    expect(await stored('topics', 't')).toEqual({ 'retention.ms': '5' });
  });

  it('keeps what a broker of another kind has stored for all', async () => {
    const theirs = { 'listener.name.x.ssl.keystore.type': 'JKS', 'num.io.threads': '9' };
    const path = ConfigZnode.path('brokers', '<default>');
    await zk.create(path, ConfigZnode.encode(new Map(Object.entries(theirs))));
    expect(await incremental([[BROKER, '', ['log.retention.ms', '7']]])).toEqual([null]);
    expect(await stored('brokers', '<default>')).toEqual({ ...theirs, 'log.retention.ms': '7' });
  });
});

describe('what is stored for brokers and makes no sense', () => {
  const lags = { 'log.cleaner.min.compaction.lag.ms': '50', 'log.cleaner.max.compaction.lag.ms': '40' };

  it.each(['1', ''])('can be removed, bit by bit, and is no obstacle meanwhile (broker "%s")', async (name) => {
    const entity = name === '' ? '<default>' : name;
    const theirs = { ...lags, 'log.retention.ms': 'x', 'log.roll.ms': '0', port: '1' };
    await zk.create(ConfigZnode.path('brokers', entity), ConfigZnode.encode(new Map(Object.entries(theirs))));
    expect(await incremental([[BROKER, name, ['log.segment.bytes', '2000']]])).toEqual([null]);
    expect(await stored('brokers', entity)).toEqual({ ...theirs, 'log.segment.bytes': '2000' });
    for (const key of ['log.retention.ms', 'port', 'log.cleaner.min.compaction.lag.ms', 'log.roll.ms'])
      expect(await incremental([[BROKER, name, [key, null, DELETE]]])).toEqual([null]);
    expect(await stored('brokers', entity)).toEqual({
      'log.segment.bytes': '2000',
      'log.cleaner.max.compaction.lag.ms': '40',
    });
  });

  it('is not stored once more', async () => {
    await zk.create(ConfigZnode.path('brokers', '1'), ConfigZnode.encode(new Map([['log.retention.ms', 'x']])));
    expect(await incremental([[BROKER, '1', ['log.retention.ms', 'x']]])).toEqual([
      'INVALID_REQUEST: Invalid value x for configuration log.retention.ms: Not a number of type LONG',
    ]);
  });
});

describe('AlterConfigs', () => {
  it.each([0, 1, 2])('v%i replaces all that there was', async (version) => {
    await whole([[TOPIC, 't', ['segment.bytes', '1000']]], false, version);
    expect(await whole([[TOPIC, 't', ['retention.ms', '5']]], false, version)).toEqual([null]);
    expect(await stored('topics', 't')).toEqual({ 'retention.ms': '5' });
    expect(await whole([[TOPIC, 't']], false, version)).toEqual([null]);
    expect(await stored('topics', 't')).toEqual({});
  });

  it('does not know loggers', async () => {
    expect(await whole([[LOGGER, '1', ['x', 'INFO']]])).toEqual(['INVALID_REQUEST: Unknown resource type 8']);
    expect(await whole([[TOPIC, 't', ['a', null]]])).toEqual(['INVALID_REQUEST: Null value not supported for : a']);
  });
});
