/** The group consumers that judge the coordinator, none of them written here. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import type { GroupClient, MemberEvent, MemberSettings } from './group-member.ts';
import { javaArguments } from './java-tools.ts';
import { confluentPython } from './confluent-python.ts';

const MEMBERS = path.resolve(import.meta.dirname, 'members');

/** A member that speaks the words of MemberEvent itself. */
function parseEvent(line: string): MemberEvent[] {
  return line.startsWith('{"name"') ? [JSON.parse(line) as MemberEvent] : [];
}

const script = (name: string): GroupClient => ({
  name,
  stopSignal: 'SIGTERM',
  allowsDifferentTopics: false,
  keepsItsShareToItself: true,
  command: (settings) =>
    Promise.resolve({
      command: process.execPath,
      args: [
        '--disable-warning=ExperimentalWarning',
        path.join(MEMBERS, `${name}-member.ts`),
        JSON.stringify(settings),
      ],
    }),
  parse: parseEvent,
});

export const kafkajs: GroupClient = script('kafkajs');
/** Version 2.12 was seen to commit old offsets with Apache Kafka, too. */
export const platformatic: GroupClient = {
  ...script('platformatic'),
  commitsOldOffsets: true,
  diesWhenGivenUp: 'consumer',
};

/** librdkafka's newest release, as confluent-kafka brings it. */
export const confluent: GroupClient = {
  name: 'confluent-kafka',
  stopSignal: 'SIGTERM',
  allowsDifferentTopics: true,
  command: async (settings) => ({
    command: await confluentPython(),
    args: [path.join(MEMBERS, 'confluent_member.py'), JSON.stringify(settings)],
  }),
  parse: parseEvent,
};

/** Debian's kcat with its older librdkafka. */
export const kcatConsumer: GroupClient = {
  name: 'kcat',
  stopSignal: 'SIGINT',
  allowsDifferentTopics: true,
  dropsOneWhenStopped: true,
  command: ({ bootstrap, group, topics, sessionTimeoutMs, instanceId, isCooperative }) => {
    const settings = [
      'auto.offset.reset=earliest',
      'auto.commit.interval.ms=200',
      'topic.metadata.refresh.interval.ms=1000',
      'reconnect.backoff.max.ms=500',
      `session.timeout.ms=${sessionTimeoutMs}`,
      `heartbeat.interval.ms=${sessionTimeoutMs / 10}`,
      `partition.assignment.strategy=${isCooperative ? 'cooperative-sticky' : 'range,roundrobin'}`,
      ...(instanceId === undefined ? [] : [`group.instance.id=${instanceId}`]),
    ].flatMap((setting) => ['-X', setting]);
    const args = ['-b', bootstrap, '-u', '-f', 'record %t %p %o\n', ...settings, '-G', group, ...topics];
    return Promise.resolve({ command: 'kcat', args });
  },
  parse: (line) => {
    const [word, topic = '', partition, offset] = line.split(' ');
    if (word === 'record') return [{ name: 'record', topic, partition: Number(partition), offset: Number(offset) }];
    // Eager: "rebalanced (memberid …): assigned: …"; cooperative: "rebalanced: incremental assignment of … (…): …".
    const rebalance =
      /^% Group .* rebalanced.*: (?:(assigned|revoked)|incremental (assignment|revoke) of .*\)): ?(.*)$/.exec(line);
    if (rebalance === null) return [];
    const partitions = [...(rebalance[3] ?? '').matchAll(/(\S+) \[(\d+)\]/g)].map(
      ([, name = '', number]): [string, number] => [name, Number(number)],
    );
    return [{ name: (rebalance[1] ?? rebalance[2] ?? '').startsWith('revoke') ? 'revoked' : 'assigned', partitions }];
  },
};

interface VerifiableConsumerLine {
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
}

function parseVerifiableConsumer(line: string): MemberEvent[] {
  if (!line.startsWith('{')) return [];
  const { name, topic, partition, offset, partitions } = JSON.parse(line) as VerifiableConsumerLine;
  switch (name) {
    case 'record_data':
      return [{ name: 'record', topic, partition, offset }];
    case 'partitions_assigned':
    case 'partitions_revoked': {
      const pairs = partitions.map((each): [string, number] => [each.topic, each.partition]);
      return [{ name: name === 'partitions_assigned' ? 'assigned' : 'revoked', partitions: pairs }];
    }
    default:
      return [];
  }
}

function consumerConfig({ protocol, sessionTimeoutMs }: MemberSettings): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'barnabas-member-')), 'consumer.properties');
  const lines = ['metadata.max.age.ms=1000', 'reconnect.backoff.max.ms=500', 'fetch.max.wait.ms=200'];
  if (protocol === 'classic') lines.push(`heartbeat.interval.ms=${sessionTimeoutMs / 10}`);
  writeFileSync(file, lines.join('\n'));
  return file;
}

/** Apache Kafka's VerifiableConsumer: prints every record, then commits, then polls again. It takes one topic. */
function verifiableConsumer(name: string, release: '3.9' | '4.x'): GroupClient {
  return {
    name,
    stopSignal: 'SIGTERM',
    allowsDifferentTopics: true,
    command: async (settings) => {
      const { bootstrap, group, topics, protocol, sessionTimeoutMs, instanceId, isCooperative } = settings;
      const strategy = isCooperative ? 'CooperativeStickyAssignor' : 'RangeAssignor';
      const args = ['--bootstrap-server', bootstrap, '--group-id', group, '--topic', topics[0] ?? '', '--verbose'];
      args.push('--reset-policy', 'earliest', '--consumer.config', consumerConfig(settings));
      args.push('--group-protocol', protocol);
      if (protocol === 'classic') args.push('--session-timeout', String(sessionTimeoutMs));
      if (protocol === 'classic') args.push('--assignment-strategy', `org.apache.kafka.clients.consumer.${strategy}`);
      if (instanceId !== undefined) args.push('--group-instance-id', instanceId);
      return { command: 'java', args: await javaArguments('verifiableConsumer', args, release) };
    },
    parse: parseVerifiableConsumer,
  };
}

export const javaConsumer: GroupClient = verifiableConsumer('Java 3.9', '3.9');
/** Given up between a share and the offsets of it, it ends: its OffsetFetch is answered UNKNOWN_MEMBER_ID. */
export const javaFourConsumer: GroupClient = { ...verifiableConsumer('Java 4', '4.x'), diesWhenGivenUp: 'consumer' };
