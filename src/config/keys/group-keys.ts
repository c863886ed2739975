/**
 * @pure The broker's keys about groups of consumers and their offsets: those of the coordinator, of the classic
 * protocol and of the consumer protocol (KIP-848, `group.consumer.*`), with the defaults of Kafka 4.0 where 3.9 has
 * only a preview of them.
 */
import {
  atLeast,
  type Check,
  type ConfigTable,
  choiceIgnoringCase,
  choices,
  INT_MAX,
  InvalidValue,
  int,
  listOf,
  long,
  short,
} from '../definition.ts';

/** A partition assignor that runs in the broker, by the name that members ask for it. */
export type GroupAssignorName = 'uniform' | 'range';

const ASSIGNOR_PACKAGE = 'org.apache.kafka.coordinator.group.assignor.';
/** Kafka 3.9 names its assignors by class, 4.0 by name. */
const ASSIGNOR_NAMES: ReadonlyMap<string, GroupAssignorName> = new Map([
  ['uniform', 'uniform'],
  ['range', 'range'],
  [`${ASSIGNOR_PACKAGE}UniformAssignor`, 'uniform'],
  [`${ASSIGNOR_PACKAGE}RangeAssignor`, 'range'],
]);

function assignorName(entry: string): GroupAssignorName {
  const name = ASSIGNOR_NAMES.get(entry);
  if (name === undefined) throw new InvalidValue(`Class ${entry} cannot be found`);
  return name;
}

/** The first is taken for members that ask for none, so there must be one. */
const assignorsCheck: Check<GroupAssignorName[]> = (names) => {
  if (names.length === 0) return 'At least one assignor is needed';
  return new Set(names).size === names.length ? null : 'Each assignor must be named once';
};

const compressionId: Check<number> = (id) => (id < 0 || id > 4 ? `Unknown compression type id: ${id}` : null);

export const GROUP_KEYS = {
  'group.coordinator.rebalance.protocols': choices(
    ['classic', 'consumer'],
    'classic,consumer',
    'Protocols that groups may use.',
  ),
  'group.min.session.timeout.ms': int(6000, 'Shortest session timeout a consumer may ask for.'),
  'group.max.session.timeout.ms': int(1800000, 'Longest session timeout a consumer may ask for.'),
  'group.initial.rebalance.delay.ms': int(3000, 'How long a new group waits for more members.'),
  'group.max.size': int(INT_MAX, 'Most members of a group of the classic protocol.', atLeast(1)),
  'group.consumer.session.timeout.ms': int(45000, 'Session timeout of the consumer protocol.', atLeast(1)),
  'group.consumer.min.session.timeout.ms': int(45000, 'Shortest one that may be set for a group.', atLeast(1)),
  'group.consumer.max.session.timeout.ms': int(60000, 'Longest one that may be set for a group.', atLeast(1)),
  'group.consumer.heartbeat.interval.ms': int(5000, 'Pause between heartbeats of its members.', atLeast(1)),
  'group.consumer.min.heartbeat.interval.ms': int(5000, 'Shortest one that may be set for a group.', atLeast(1)),
  'group.consumer.max.heartbeat.interval.ms': int(15000, 'Longest one that may be set for a group.', atLeast(1)),
  'group.consumer.max.size': int(INT_MAX, 'Most members of a group of the consumer protocol.', atLeast(1)),
  'group.consumer.assignors': listOf(
    'uniform,range',
    'Assignors members may ask for; the first for those that do not.',
    assignorName,
    assignorsCheck,
  ),
  'group.consumer.migration.policy': choiceIgnoringCase(
    ['bidirectional', 'upgrade', 'downgrade', 'disabled'],
    'bidirectional',
    'Which way groups with members may change their protocol.',
  ),
  'group.consumer.regex.refresh.interval.ms': int(
    600000,
    'Pause between looks for topics that match the regular expressions of a group.',
    atLeast(10000),
  ),
  'offset.metadata.max.bytes': int(4096, 'Largest text a consumer may store with an offset.'),
  'offsets.topic.num.partitions': int(50, 'Partitions of __consumer_offsets.', atLeast(1)),
  'offsets.topic.replication.factor': short(3, 'Replicas of __consumer_offsets.', atLeast(1)),
  'offsets.topic.segment.bytes': int(104857600, 'Segment size of __consumer_offsets.', atLeast(1)),
  'offsets.topic.compression.codec': int(0, 'Compression of __consumer_offsets, by number.', compressionId),
  'offsets.load.buffer.size': int(5242880, 'Bytes read at once when offsets are loaded.', atLeast(1)),
  'offsets.retention.minutes': int(10080, 'How long offsets of an empty group are kept.', atLeast(1)),
  'offsets.retention.check.interval.ms': long(600000, 'Pause between looks for such offsets.', atLeast(1)),
  'offsets.commit.timeout.ms': int(5000, 'How long a commit waits for its replicas.', atLeast(1)),
  'offsets.commit.required.acks': short(-1, 'Acks that a commit needs; a commit always waits for all of them.'),
} satisfies ConfigTable;
