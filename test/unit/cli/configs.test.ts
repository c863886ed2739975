/** kafka-configs against scripted brokers: its options, what it asks of whom, its lines and exit codes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { main, parseSettings } from '../../../src/cli/configs.ts';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { DescribeConfigs, IncrementalAlterConfigs, Metadata } from '../../../src/protocol/messages/index.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

let directory: string;
let brokers: ScriptedBroker[];
/** What was asked for, with the number of the broker that was asked. */
let asked: string[];

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'barnabas-configs-'));
  asked = [];
  brokers = [new ScriptedBroker(), new ScriptedBroker()];
  await Promise.all(brokers.map((broker) => broker.listen()));
  for (const [id, broker] of brokers.entries()) {
    broker.on(Metadata, ({ topics }) => ({
      brokers: brokers.map(({ port }, nodeId) => ({ nodeId, host: '127.0.0.1', port, rack: null })),
      clusterId: 'c',
      controllerId: 0,
      topics: (topics ?? [{ name: 'orders' }, { name: 'parcels' }]).map(({ name }) => ({
        ...{ errorCode: 0, name, topicId: ZERO_TOPIC_ID, partitions: [] },
      })),
    }));
    broker.on(DescribeConfigs, ({ resources }) => ({
      results: resources.map(({ resourceType, resourceName }) => ({
        ...{ resourceType, resourceName, errorCode: Errors.NONE, errorMessage: null },
        configs: configsOf(resourceType, resourceName),
      })),
    }));
    broker.on(IncrementalAlterConfigs, ({ resources }) => ({
      responses: resources.map(({ resourceType, resourceName, configs }) => {
        const changes = configs.map(({ name, configOperation, value }) => `${name} ${configOperation} ${value}`);
        asked.push(`${id}: ${resourceType} '${resourceName}' ${changes.join(', ')}`);
        const errorCode = configs.some(({ name }) => name === 'bad') ? Errors.INVALID_CONFIG : Errors.NONE;
        return { errorCode, errorMessage: errorCode === 0 ? null : 'No.', resourceType, resourceName };
      }),
    }));
  }
});

afterEach(async () => {
  rmSync(directory, { recursive: true });
  await Promise.all(brokers.map((broker) => broker.close()));
});

const entry = (name: string, value: string | null, configSource: number) => ({
  ...{ name, value, configSource, readOnly: false, isSensitive: value === null, documentation: null, configType: 2 },
  synonyms: [{ name, value, source: configSource }],
});

/** One setting of each level. */
function configsOf(type: number, name: string) {
  if (type === 2) return [entry('retention.ms', '5', 1), entry('cleanup.policy', 'delete', 5)];
  if (name === '') return [entry('num.io.threads', '4', 3)];
  return [entry('secret', null, 4), entry('num.io.threads', '4', 3), entry('log.retention.ms', name, 2)];
}

async function run(...args: string[]) {
  const terminal = new TestTerminal();
  const exitCode = await main(['--bootstrap-server', brokers[0]?.address ?? '', ...args], terminal);
  return { exitCode, stdout: terminal.stdout, stderr: terminal.stderr };
}

const retention = '  retention.ms=5 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=5}\n';

describe('--describe', () => {
  test('shows what a topic has of its own, or with --all everything', async () => {
    const orders = `Dynamic configs for topic orders are:\n${retention}`;
    expect(await run('--describe', '--topic', 'orders')).toEqual({ exitCode: 0, stdout: orders, stderr: '' });
    expect((await run('--describe', '--entity-type', 'topics', '--entity-name', 'orders')).stdout).toBe(orders);
    expect((await run('--describe', '--all', '--topic', 'orders')).stdout).toBe(
      'All configs for topic orders are:\n' +
        '  cleanup.policy=delete sensitive=false synonyms={DEFAULT_CONFIG:cleanup.policy=delete}\n' +
        retention,
    );
  });

  test('shows every entity of a type', async () => {
    expect((await run('--describe', '--entity-type', 'topics')).stdout).toBe(
      `Dynamic configs for topic orders are:\n${retention}Dynamic configs for topic parcels are:\n${retention}`,
    );
    expect((await run('--describe', '--entity-type', 'brokers')).stdout).toBe(
      'Dynamic configs for broker 0 are:\n' +
        '  log.retention.ms=0 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:log.retention.ms=0}\n' +
        'Dynamic configs for broker 1 are:\n' +
        '  log.retention.ms=1 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:log.retention.ms=1}\n' +
        'Default configs for brokers in the cluster are:\n' +
        '  num.io.threads=4 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:num.io.threads=4}\n',
    );
    expect((await run('--describe', '--all', '--broker', '1')).stdout).toContain(
      '  secret=null sensitive=true synonyms={STATIC_BROKER_CONFIG:secret=null}\n',
    );
  });

  test('asks a broker itself, and anybody for what all have in common', async () => {
    await run('--describe', '--broker', '1');
    expect(brokers[1]?.received.filter((name) => name.startsWith('DescribeConfigs'))).toHaveLength(1);
    expect(brokers[0]?.received.filter((name) => name.startsWith('DescribeConfigs'))).toHaveLength(0);
    await run('--describe', '--broker-defaults');
    expect(brokers[0]?.received.filter((name) => name.startsWith('DescribeConfigs'))).toHaveLength(1);
  });
});

describe('--alter', () => {
  test('sets and removes what is named, and nothing else', async () => {
    const added = ['--add-config', 'cleanup.policy=[compact,delete],segment.ms=7', '--delete-config', 'retention.ms'];
    expect(await run('--alter', '--topic', 'orders', ...added)).toEqual({
      exitCode: 0,
      stdout: 'Completed updating config for topic orders.\n',
      stderr: '',
    });
    expect((await run('--alter', '--broker', '1', '--add-config', 'num.io.threads=5')).stdout).toBe(
      'Completed updating config for broker 1.\n',
    );
    const common = ['--entity-type', 'brokers', '--entity-default'];
    expect((await run('--alter', ...common, '--add-config', 'num.io.threads=5')).stdout).toBe(
      'Completed updating default config for brokers in the cluster.\n',
    );
    expect(asked).toEqual([
      "0: 2 'orders' cleanup.policy 0 compact,delete, segment.ms 0 7, retention.ms 1 null",
      "1: 4 '1' num.io.threads 0 5",
      "0: 4 '' num.io.threads 0 5",
    ]);
  });

  test('takes settings from a file', async () => {
    const file = path.join(directory, 'a.properties');
    writeFileSync(file, 'segment.ms=7\ncleanup.policy = compact,delete\n');
    expect((await run('--alter', '--topic', 'orders', '--add-config-file', file)).exitCode).toBe(0);
    expect(asked).toEqual(["0: 2 'orders' segment.ms 0 7, cleanup.policy 0 compact,delete"]);
    expect(await run('--alter', '--topic', 'orders', '--add-config-file', `${file}x`)).toMatchObject({
      exitCode: 1,
      stderr: `${file}x (No such file or directory)\n`,
    });
  });

  test('does not remove what is not there', async () => {
    expect(await run('--alter', '--topic', 'orders', '--delete-config', 'retention.ms,cleanup.policy,x')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'Invalid config(s): cleanup.policy,x\n',
    });
    expect(asked).toEqual([]);
  });

  test('passes on the refusal of a broker', async () => {
    const { exitCode, stdout, stderr } = await run('--alter', '--topic', 'orders', '--add-config', 'bad=1');
    expect([exitCode, stdout]).toEqual([1, '']);
    const bootstrap = `--bootstrap-server ${brokers[0]?.address}`;
    expect(stderr.split('\n')).toEqual([
      `Error while executing config command with args '${bootstrap} --alter --topic orders --add-config bad=1'`,
      'org.apache.kafka.common.errors.InvalidConfigurationException: No.',
      '',
    ]);
  });
});

test.each([
  [['--alter', '--describe', '--topic', 'a'], 'Command must include exactly one action: --describe, --alter'],
  [['--describe', '--topic', 'a', '--add-config', 'a=1'], 'can\'t be used with option "[add-config]"'],
  [['--describe'], 'At least one entity type must be specified'],
  [['--describe', '--entity-name', 'b', '--topic', 'a'], '--entity-{type,name,default} should not be used'],
  [['--describe', '--entity-type', 'topics', '--topic', 'a'], 'Duplicate entity type(s) specified: topics'],
  [
    ['--describe', '--topic', 'a', '--broker', '1'],
    "Only 'users' and 'clients' entity types may be specified together",
  ],
  [['--describe', '--user', 'alice'], 'The entity type users is not supported'],
  [['--describe', '--entity-type', 'ips'], 'The entity type ips is not supported'],
  [['--describe', '--broker', 'one'], 'The entity name for brokers must be a valid integer broker id, but it is: one'],
  [['--describe', '--entity-type', 'broker-loggers'], 'an entity name must be specified with --describe of broker-log'],
  [['--describe', '--topic', 'a b'], "Topic name is invalid: 'a b'"],
  [['--alter', '--topic', 'a'], 'At least one of --add-config, --add-config-file, or --delete-config'],
  [['--alter', '--entity-type', 'topics', '--add-config', 'a=1'], 'an entity name must be specified with --alter of'],
  [['--alter', '--entity-type', 'brokers', '--add-config', 'a=1'], 'an entity-name or default entity must be'],
  [['--alter', '--topic', 'a', '--add-config', 'a=1', '--add-config-file', 'f'], 'Only one of --add-config or'],
  [['--alter', '--topic', 'a', '--add-config', 'a'], 'must be in the format "key=val".'],
  [['--alter', '--topic', 'a', '--add-config', 'a b=1'], 'Invalid character found for config key: a b'],
])('%j is refused', async (args, message) => {
  const { exitCode, stderr } = await run(...args);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(message);
});

test('brackets keep commas and equals signs together', () => {
  expect(Object.fromEntries(parseSettings('a=1,b=[x,y=2],c = ,d=[]'))).toEqual({ a: '1', b: 'x,y=2', c: '', d: '' });
  expect(Object.fromEntries(parseSettings('a=1,,'))).toEqual({ a: '1' });
  for (const nonsense of ['', ',', 'a', 'a=1,,b=2', 'a=1=2']) expect(() => parseSettings(nonsense), nonsense).toThrow();
});
