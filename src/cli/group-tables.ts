/**
 * @pure What kafka-consumer-groups prints of groups: the rows of each view and their columns (Kafka 3.9's
 * ConsumerGroupCommand; each line ends with a line break, and a group without members has no table of them, as before
 * 3.7 and since 4.0).
 */
import { type TopicPartition, topicPartitionKey } from '../model/topic-partition.ts';
import type { DescribedGroup, DescribedMember, GroupOffset, ListedGroup } from '../client/group-admin.ts';

const MISSING = '-';

/** Where a group is in one partition. */
export interface OffsetRow extends TopicPartition {
  readonly groupId: string;
  /** Null without a committed offset. */
  readonly offset: number | null;
  /** Null when nobody could say. */
  readonly logEndOffset: number | null;
  readonly consumerId: string;
  readonly host: string;
  readonly clientId: string;
}

/**
 * One row for each partition that is assigned, by member (most partitions first), then for those that are committed
 * only.
 * @param logEnds by topicPartitionKey
 */
export function offsetRows(
  { groupId, members }: DescribedGroup,
  committed: readonly GroupOffset[],
  logEnds: ReadonlyMap<string, number>,
): OffsetRow[] {
  const offsets = new Map(
    committed.map(({ topic, partition, offset }) => [topicPartitionKey(topic, partition), offset]),
  );
  const assigned = new Set<string>();
  const row = (
    { topic, partition }: TopicPartition,
    owner: Pick<DescribedMember, 'consumerId' | 'host' | 'clientId'>,
  ) => {
    const key = topicPartitionKey(topic, partition);
    const { consumerId, host, clientId } = owner;
    const offset = offsets.get(key) ?? null;
    return { groupId, topic, partition, offset, logEndOffset: logEnds.get(key) ?? null, consumerId, host, clientId };
  };
  const rows: OffsetRow[] = [];
  for (const member of [...members].sort((a, b) => b.partitions.length - a.partitions.length))
    for (const partition of sorted(member.partitions)) {
      assigned.add(topicPartitionKey(partition.topic, partition.partition));
      rows.push(row(partition, member));
    }
  const nobody = { consumerId: MISSING, host: MISSING, clientId: MISSING };
  const rest = committed.filter(({ topic, partition }) => !assigned.has(topicPartitionKey(topic, partition)));
  return [...rows, ...sorted(rest).map((partition) => row(partition, nobody))];
}

/** By topic, then by partition. */
export function sorted<P extends TopicPartition>(partitions: readonly P[]): P[] {
  return [...partitions].sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
}

export function offsetTable(rows: readonly OffsetRow[]): string {
  const group = width(15, rows, ({ groupId }) => groupId);
  const topic = width(15, rows, (row) => row.topic);
  const consumer = width(15, rows, ({ consumerId }) => consumerId);
  const host = width(15, rows, (row) => row.host);
  const widths = [group, topic, 10, 15, 15, 15, consumer, host, 0];
  const header = 'GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID'.split(' ');
  const cells = rows.map((row) => [
    row.groupId,
    row.topic,
    String(row.partition),
    text(row.offset),
    text(row.logEndOffset),
    text(row.offset === null || row.logEndOffset === null ? null : row.logEndOffset - row.offset),
    row.consumerId,
    row.host,
    row.clientId,
  ]);
  return `\n${lines(widths, [header, ...cells])}`;
}

function text(value: number | null): string {
  return value === null ? MISSING : String(value);
}

export function memberTable({ groupId, members }: DescribedGroup, isVerbose: boolean): string {
  const hasInstances = members.some(({ groupInstanceId }) => groupInstanceId !== '');
  const columns: readonly MemberColumn[] = [
    ['GROUP', 15, () => groupId],
    ['CONSUMER-ID', 15, ({ consumerId }) => consumerId],
    ...(hasInstances ? [INSTANCE_COLUMN] : []),
    ['HOST', 15, ({ host }) => host],
    ['CLIENT-ID', 15, ({ clientId }) => clientId],
    ['#PARTITIONS', 15, ({ partitions }) => String(partitions.length)],
  ];
  const widths = columns.map(([, least, of]) => width(least, members, of));
  // There is always a last cell, so that a blank follows #PARTITIONS even where no assignment is shown.
  const header = [...columns.map(([name]) => name), isVerbose ? 'ASSIGNMENT' : ''];
  const rows = members.map((member) => [
    ...columns.map(([, , of]) => of(member)),
    isVerbose ? assignmentText(member.partitions) : '',
  ]);
  return `\n${lines(widths, [header, ...rows])}`;
}

type MemberColumn = readonly [name: string, leastWidth: number, of: (member: DescribedMember) => string];

const INSTANCE_COLUMN: MemberColumn = ['GROUP-INSTANCE-ID', 17, ({ groupInstanceId }) => groupInstanceId];

/** `orders(0,1), payments(2)` */
function assignmentText(partitions: readonly TopicPartition[]): string {
  if (partitions.length === 0) return MISSING;
  const byTopic = Map.groupBy(sorted(partitions), ({ topic }) => topic);
  return [...byTopic].map(([topic, of]) => `${topic}(${of.map(({ partition }) => partition).join(',')})`).join(', ');
}

export function stateTable({ groupId, coordinator, assignor, state, members }: DescribedGroup): string {
  const where = `${coordinator.host}:${coordinator.port}  (${coordinator.id})`;
  const widths = [Math.max(25, where.length), 25, 20, 15, 0];
  const header = ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE', '#MEMBERS'];
  return `\n${lines(widths, [header, [groupId, where, assignor, state, String(members.length)]])}`;
}

/** Ids alone, or with what else was asked for. */
export function groupList(groups: readonly ListedGroup[], shows: { type: boolean; state: boolean }): string {
  if (!shows.type && !shows.state) return groups.map(({ groupId }) => `${groupId}\n`).join('');
  const extra = <T>(type: T, state: T): T[] => [...(shows.type ? [type] : []), ...(shows.state ? [state] : [])];
  const widths = [width(15, groups, ({ groupId }) => groupId) + 10, ...extra(20, 20)];
  const rows = groups.map(({ groupId, type, state }) => [groupId, ...extra(type || 'Unknown', state || 'Unknown')]);
  return lines(widths, [['GROUP', ...extra('TYPE', 'STATE')], ...rows]);
}

export function resetTable(offsets: ReadonlyMap<string, readonly GroupOffset[]>): string {
  const rows = [...offsets].flatMap(([groupId, of]) =>
    sorted(of).map(({ topic, partition, offset }) => [groupId, topic, String(partition), String(offset)]),
  );
  return `\n${lines([30, 30, 10, 15], [['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'], ...rows])}`;
}

export function deletedOffsetsTable(
  rows: readonly (readonly [topic: string, partition: string, status: string])[],
): string {
  return `\n${lines([30, 15, 15], [['TOPIC', 'PARTITION', 'STATUS'], ...rows])}`;
}

/** `%-15s %-15s …`: longer cells push the others to the right. */
function lines(widths: readonly number[], rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' ')}\n`).join('');
}

function width<T>(least: number, items: readonly T[], of: (item: T) => string): number {
  return items.reduce((longest, item) => Math.max(longest, of(item).length), least);
}
