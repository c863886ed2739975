/** Configurations are changed while the brokers run, by kafkajs and by our own client; the change counts at once. */
import { ConfigResourceTypes, Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterClient } from '../../src/client/cluster-client.ts';
import {
  alterConfigs,
  type ConfigAlteration,
  type ConfigChange,
  describeConfigs,
  incrementalAlterConfigs,
} from '../../src/client/config-admin.ts';
import { SystemClock } from '../../src/lib/clock.ts';
import { createTopic, withAdmin } from '../support/admin.ts';
import { eventually } from '../support/eventually.ts';
import { useCluster } from '../support/use-cluster.ts';
import { whenControlled, whenFullyReplicated, whenLed } from '../support/wire-client.ts';

const cluster = useCluster();
let client: ClusterClient;
beforeAll(() => {
  client = newClient(cluster().bootstrap);
});
afterAll(() => client.close());

function newClient(bootstrapServers: string): ClusterClient {
  return new ClusterClient({
    bootstrapServers,
    clientId: 'config-test',
    kind: 'AdminClient',
    clock: new SystemClock(),
    requestTimeoutMs: 10_000,
    apiTimeoutMs: 20_000,
    warn: () => undefined,
  });
}

const set = (name: string, value: string): ConfigChange => ({ name, operation: 'SET', value });
const remove = (name: string): ConfigChange => ({ name, operation: 'DELETE', value: null });

async function alter(alteration: ConfigAlteration, validateOnly = false): Promise<string | null> {
  const [result] = await incrementalAlterConfigs(client, [alteration], { validateOnly });
  return result?.failure == null ? null : `${result.failure.error}: ${result.failure.message}`;
}

const alterTopic = (name: string, ...changes: ConfigChange[]) => alter({ type: 'TOPIC', name, changes });

/** The overrides of a topic as a broker describes them. */
async function overridesOf(topic: string, through = client): Promise<Record<string, string | null>> {
  const [described] = await describeConfigs(through, [{ type: 'TOPIC', name: topic }]);
  if (described?.failure != null) throw described.failure;
  const entries = described?.entries.filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG') ?? [];
  return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
}

async function produce(topic: string, value: string | Buffer, acks = -1): Promise<string> {
  // One try, of brokers that are there.
  const brokers = cluster().live.map(({ address }) => address);
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } }).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  try {
    await producer.send({ topic, acks, messages: [{ value }] });
    return 'written';
  } catch (error) {
    const { cause, type } = error as { cause?: { type?: string }; type?: string };
    return cause?.type ?? type ?? String(error);
  } finally {
    await producer.disconnect();
  }
}

describe('the configuration of a topic', () => {
  it('is changed as kafkajs does it, as a whole, and described alike by every broker', async () => {
    await createTopic(cluster(), 'whole', { configs: { 'retention.ms': '1000', 'segment.bytes': '2000' } });
    await withAdmin(cluster(), async (admin) => {
      const configEntries = [{ name: 'segment.bytes', value: '3000' }];
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: 'whole', configEntries }];
      await admin.alterConfigs({ validateOnly: true, resources });
      expect(await overridesOf('whole')).toEqual({ 'retention.ms': '1000', 'segment.bytes': '2000' });
      await admin.alterConfigs({ validateOnly: false, resources });
    });
    for (const address of cluster().addresses) {
      const through = newClient(address);
      expect(await overridesOf('whole', through)).toEqual({ 'segment.bytes': '3000' });
      through.close();
    }
    await expect(
      withAdmin(cluster(), (admin) => {
        const configEntries = [{ name: 'segment.bytes', value: 'big' }];
        return admin.alterConfigs({
          validateOnly: false,
          resources: [{ type: ConfigResourceTypes.TOPIC, name: 'whole', configEntries }],
        });
      }),
    ).rejects.toMatchObject({ type: 'INVALID_CONFIG' });
    expect(await alterConfigs(client, [{ type: 'TOPIC', name: 'whole', config: new Map() }])).toMatchObject([
      { failure: null },
    ]);
    expect(await overridesOf('whole')).toEqual({});
  });

  it('keeps what is changed at the same time, of whichever broker', async () => {
    await createTopic(cluster(), 'contended');
    const clients = cluster().addresses.map(newClient);
    const names = [
      'retention.ms',
      'segment.ms',
      'segment.bytes',
      'max.message.bytes',
      'flush.ms',
      'delete.retention.ms',
    ];
    const results = await Promise.all(
      names.map(async (name, index) => {
        const through = clients[index % clients.length] as ClusterClient;
        const alteration = { type: 'TOPIC', name: 'contended', changes: [set(name, `${10_000 + index}`)] } as const;
        return (await incrementalAlterConfigs(through, [alteration]))[0]?.failure;
      }),
    );
    for (const through of clients) through.close();
    expect(results).toEqual(names.map(() => null));
    expect(await overridesOf('contended')).toEqual(
      Object.fromEntries(names.map((name, index) => [name, `${10_000 + index}`])),
    );
    expect(await alterTopic('contended', { name: 'cleanup.policy', operation: 'APPEND', value: 'compact' })).toBeNull();
    expect((await overridesOf('contended'))['cleanup.policy']).toBe('delete,compact');
  });

  it('counts at once for what is written: the largest batch, and the replicas that must have it', async () => {
    await createTopic(cluster(), 'live', { replicationFactor: 3 });
    expect(await produce('live', Buffer.alloc(5000))).toBe('written');
    expect(await alterTopic('live', set('max.message.bytes', '1000'))).toBeNull();
    await eventually(async () => (await produce('live', Buffer.alloc(5000))) === 'MESSAGE_TOO_LARGE');
    expect(await alterTopic('live', remove('max.message.bytes'), set('min.insync.replicas', '3'))).toBeNull();
    await eventually(async () => (await produce('live', Buffer.alloc(5000))) === 'written');
    const leader = await whenLed(cluster(), 'live', 0);
    const follower = cluster().brokers.find(({ id }) => id !== leader);
    await follower?.stop();
    await eventually(async () => (await produce('live', 'x')) === 'NOT_ENOUGH_REPLICAS');
    expect(await alterTopic('live', set('min.insync.replicas', '2'))).toBeNull();
    await eventually(async () => (await produce('live', 'x')) === 'written');
    await follower?.start();
    await whenFullyReplicated(cluster(), 'live');
    // It was away when the change was made.
    await cluster().broker(leader).stop();
    expect(await alterTopic('live', set('min.insync.replicas', '3'))).toBeNull();
    await eventually(async () => (await produce('live', 'x')) === 'NOT_ENOUGH_REPLICAS');
    await cluster().broker(leader).start();
    await whenFullyReplicated(cluster(), 'live');
  });

  it('may give a partition an unclean leader, also one of a topic that the controller has nothing of', async () => {
    const topic = 'unclean';
    const controller = await whenControlled(cluster());
    const replicas = [1, 2, 3].filter((id) => id !== controller);
    await createTopic(cluster(), topic, { assignment: [replicas] });
    const [first, second] = replicas.map((id) => cluster().broker(id));
    await second?.kill();
    await eventually(async () => (await produce(topic, 'alone')) === 'written');
    await first?.kill();
    await second?.start();
    expect(await alterTopic(topic, set('unclean.leader.election.enable', 'true'))).toBeNull();
    expect(await whenLed(cluster(), topic, 0)).toBe(second?.id);
    await first?.start();
    await whenFullyReplicated(cluster(), topic);
  });

  it('is refused in Kafka’s words', async () => {
    await createTopic(cluster(), 'strict');
    expect(await alterTopic('strict', set('segment.bytes', 'x'))).toBe(
      "INVALID_CONFIG: Invalid config value for resource ConfigResource(type=TOPIC, name='strict'): " +
        'Invalid value x for configuration segment.bytes: Not a number of type INT',
    );
    expect(await alterTopic('strict', set('no.such.key', '1'))).toBe(
      'INVALID_CONFIG: Unknown topic config name: no.such.key',
    );
    expect(await alterTopic('missing', set('segment.bytes', '1000'))).toBe(
      "UNKNOWN_TOPIC_OR_PARTITION: The topic 'missing' does not exist.",
    );
    expect(await overridesOf('strict')).toEqual({});
  });
});

describe('the configuration of brokers', () => {
  const alterBroker = (name: string, ...changes: ConfigChange[]) => alter({ type: 'BROKER', name, changes });

  async function described(type: 'TOPIC' | 'BROKER', name: string, key: string): Promise<string[]> {
    const [found] = await describeConfigs(client, [{ type, name, keys: [key] }], { includeSynonyms: true });
    if (found?.failure != null) throw found.failure;
    const [entry] = found?.entries ?? [];
    if (entry === undefined) return [];
    return [entry, ...entry.synonyms].map((synonym) => `${synonym.name}=${synonym.value} ${synonym.source}`);
  }

  it('is changed for all of them or for one, counts at once, and is there again after a restart', async () => {
    await createTopic(cluster(), 'limits', { assignment: [[2, 1, 3]] });
    expect(await alterBroker('', set('message.max.bytes', '1000'), set('log.retention.ms', '900000'))).toBeNull();
    await eventually(async () => (await produce('limits', Buffer.alloc(5000))) === 'MESSAGE_TOO_LARGE');
    expect(await alterBroker('2', set('message.max.bytes', '9000'))).toBeNull();
    await eventually(async () => (await produce('limits', Buffer.alloc(5000))) === 'written');
    await cluster().broker(2).stop();
    await cluster().broker(2).start();
    await whenFullyReplicated(cluster(), 'limits');
    const common = ['message.max.bytes=1000 DYNAMIC_DEFAULT_BROKER_CONFIG', 'message.max.bytes=1048588 DEFAULT_CONFIG'];
    expect(await described('BROKER', '2', 'message.max.bytes')).toEqual([
      'message.max.bytes=9000 DYNAMIC_BROKER_CONFIG',
      'message.max.bytes=9000 DYNAMIC_BROKER_CONFIG',
      ...common,
    ]);
    expect(await described('BROKER', '1', 'message.max.bytes')).toEqual([common[0], ...common]);
    expect(await described('BROKER', '', 'message.max.bytes')).toEqual([common[0], common[0]]);
    expect(await described('BROKER', '', 'num.partitions')).toEqual([]);
    expect(await alterTopic('limits', set('retention.ms', '5000'))).toBeNull();
    expect(await described('TOPIC', 'limits', 'retention.ms')).toEqual([
      'retention.ms=5000 DYNAMIC_TOPIC_CONFIG',
      'retention.ms=5000 DYNAMIC_TOPIC_CONFIG',
      'log.retention.ms=900000 DYNAMIC_DEFAULT_BROKER_CONFIG',
      'log.retention.hours=168 DEFAULT_CONFIG',
    ]);
    expect(await alterBroker('2', remove('message.max.bytes'))).toBeNull();
    expect(await alterBroker('', remove('message.max.bytes'), remove('log.retention.ms'))).toBeNull();
    await eventually(async () => (await produce('limits', Buffer.alloc(50_000))) === 'written');
  });

  it('may let followers fetch by more connections', async () => {
    await createTopic(cluster(), 'wide', { assignment: Array.from({ length: 8 }, () => [1, 2, 3]) });
    for (const count of ['2', '4', '2', '1']) {
      expect(await alterBroker('', set('num.replica.fetchers', count))).toBeNull();
      for (let index = 0; index < 16; index++) expect(await produce('wide', `${count}-${index}`)).toBe('written');
    }
    await whenFullyReplicated(cluster(), 'wide');
    expect(await alterBroker('', remove('num.replica.fetchers'))).toBeNull();
  });

  it('is refused in Kafka’s words', async () => {
    expect(await alterBroker('', set('zookeeper.connect', 'elsewhere:2181'))).toBe(
      'INVALID_REQUEST: Cannot update these configs dynamically: Set(zookeeper.connect)',
    );
    expect(await alterBroker('1', set('log.retention.ms', 'long'))).toBe(
      'INVALID_REQUEST: Invalid value long for configuration log.retention.ms: Not a number of type LONG',
    );
    expect(await alterBroker('1', set('num.io.threads', '99'))).toBe(
      'INVALID_REQUEST: Invalid value org.apache.kafka.common.config.ConfigException: ' +
        'Dynamic thread count update validation failed for num.io.threads=99, ' +
        'value should not be greater than double the current value 8 for configuration Invalid dynamic configuration',
    );
    await withAdmin(cluster(), async (admin) => {
      const configEntries = [{ name: 'log.retention.ms', value: '0' }];
      const resources = [{ type: ConfigResourceTypes.BROKER, name: '3', configEntries }];
      await expect(admin.alterConfigs({ validateOnly: false, resources })).rejects.toMatchObject({
        type: 'INVALID_REQUEST',
      });
    });
  });
});
