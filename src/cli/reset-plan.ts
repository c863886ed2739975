/**
 * @pure What kafka-consumer-groups --reset-offsets is told and what it makes of it: times, durations, topics with
 * partitions, plans in files, and offsets brought into the range of a log (Kafka's ConsumerGroupCommand and CsvUtils).
 */
import type { TopicPartition } from '../model/topic-partition.ts';
import type { GroupOffset } from '../client/group-admin.ts';
import { sorted } from './group-tables.ts';

/** What cannot be read; Kafka prints its help after it. */
export class ResetArgumentError extends Error {}

/** A time, a duration or a file that cannot be read; Kafka says so as the reason of a failure. */
export class ResetValueError extends Error {}

/** A line of a plan that is not as --export prints it. */
export class ResetPlanError extends ResetValueError {}

const DATE_TIME = /^(\d{4,})-(\d{1,2})-(\d{1,2})T(\d{1,2}):(\d{1,2}):(\d{1,2})\.(\d{1,3})(Z|[+-]\d{2}(?::?\d{2})?)$/;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `2024-01-31T12:00:00.000`, UTC unless it says otherwise, in milliseconds since 1970. @throws ResetValueError */
export function parseDateTime(given: string): number {
  const [, time] = given.split('T');
  if (time === undefined)
    throw new ResetValueError(
      "java.text.ParseException: Error parsing timestamp. It does not contain a 'T' according to ISO8601 format",
    );
  const match = DATE_TIME.exec(/[+\-Z]/.test(time) ? given : `${given}Z`);
  const failure = new ResetValueError(`java.text.ParseException: Unparseable date: "${given}"`);
  if (match === null) throw failure;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0] = match
    .slice(1, 8)
    .map(Number);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second, millisecond));
  // Two-digit years and days that a month does not have would be taken for others.
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal || date.getUTCFullYear() !== year) throw failure;
  return date.getTime() - zoneOffsetMs(match[8] ?? 'Z');
}

function zoneOffsetMs(zone: string): number {
  if (zone === 'Z') return 0;
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  const offsetMs = Number(hours) * HOUR_MS + Number(minutes ?? 0) * MINUTE_MS;
  return sign === '-' ? -offsetMs : offsetMs;
}

const DURATION = /^([+-])?P(?:([+-]?\d+)D)?(T(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?\d+)(?:[.,](\d{0,9}))?S)?)?$/i;

/** `P1DT2H3M4.5S` in milliseconds, as Java's Duration.parse. @throws ResetValueError */
export function parseDuration(given: string): number {
  const match = DURATION.exec(given);
  const [, sign, days, clock, hours, minutes, seconds, fraction] = match ?? [];
  const hasPart = [days, hours, minutes, seconds].some((part) => part !== undefined);
  if (match === null || !hasPart || clock?.length === 1)
    throw new ResetValueError('Text cannot be parsed to a Duration');
  const fractionMs = Math.floor(Number(`0.${fraction || '0'}`) * 1000) * (seconds?.startsWith('-') ? -1 : 1);
  const totalMs =
    Number(days ?? 0) * DAY_MS +
    Number(hours ?? 0) * HOUR_MS +
    Number(minutes ?? 0) * MINUTE_MS +
    Number(seconds ?? 0) * 1000 +
    fractionMs;
  return sign === '-' ? -totalMs : totalMs;
}

/** `--topic orders` means all partitions of it, `--topic orders:0,1` these. @throws ResetArgumentError */
export function parseTopicArguments(topics: readonly string[]): { whole: string[]; partitions: TopicPartition[] } {
  const whole = topics.filter((topic) => !topic.includes(':'));
  const partitions = topics.filter((topic) => topic.includes(':')).flatMap(partitionsIn);
  return { whole, partitions };
}

function partitionsIn(argument: string): TopicPartition[] {
  // As Java's split, which drops what is empty at the end.
  const parts = argument.replace(/:+$/, '').split(':');
  const [topic, list] = parts;
  if (topic === undefined || list === undefined || parts.length !== 2)
    throw new ResetArgumentError(`Invalid topic arg '${argument}', expected topic name and partitions`);
  return list.split(',').map((partition) => {
    if (!/^[+-]?\d+$/.test(partition) || Math.abs(Number(partition)) > 0x7fff_ffff)
      throw new ResetArgumentError(`Invalid partition '${partition}' specified in topic arg '${argument}''`);
    return { topic, partition: Number(partition) };
  });
}

/**
 * A plan as --export prints it: `topic,partition,offset` when it is for one group, else `group,topic,partition,offset`.
 * @param groupIds the groups asked for by name
 * @throws ResetPlanError
 */
export function parsePlan(csv: string, groupIds: readonly string[]): Map<string, GroupOffset[]> {
  const plan = new Map<string, GroupOffset[]>();
  const rows = csv
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line !== '')
    .map(cellsOf);
  const [only] = groupIds;
  const isForOne = groupIds.length === 1 && (rows[0]?.length ?? 0) <= 3;
  for (const row of rows) {
    const [groupId = '', topic = '', partition = '', offset = ''] = isForOne ? [only ?? '', ...row] : row;
    const isNumber = /^\d+$/.test(partition) && /^-?\d+$/.test(offset) && Number.isSafeInteger(Number(offset));
    if (row.length !== (isForOne ? 3 : 4) || !isNumber)
      throw new ResetPlanError(
        `the line "${row.join(',')}" of the plan is not ${isForOne ? '' : 'group,'}topic,partition,offset`,
      );
    const offsets = (plan.get(groupId) ?? []).filter(
      (earlier) => earlier.topic !== topic || earlier.partition !== Number(partition),
    );
    plan.set(groupId, [...offsets, { topic, partition: Number(partition), offset: Number(offset) }]);
  }
  return plan;
}

/** A cell may stand in quotes, in which a quote is doubled. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  for (const [, separator, quoted, plain] of line.matchAll(/(^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    // The pattern finds an empty cell again at the end of the line.
    if (separator === '' && cells.length > 0) continue;
    cells.push(quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"'));
  }
  return cells;
}

/**
 * The partitions of a group in their order.
 * @param isForOne leaves the group out, as for a command with one --group
 */
export function planText(offsets: ReadonlyMap<string, readonly GroupOffset[]>, isForOne: boolean): string {
  const rows = [...offsets].flatMap(([groupId, of]) =>
    sorted(of).map(({ topic, partition, offset }) => [
      ...(isForOne ? [] : [cell(groupId)]),
      cell(topic),
      partition,
      offset,
    ]),
  );
  return rows.map((row) => `${row.join(',')}\n`).join('');
}

function cell(value: string): string {
  return /[",\n\r]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Where a log begins and ends; null where nobody could say. */
export interface LogRange {
  readonly start: number | null;
  readonly end: number | null;
}

/** The offset within the log, and the warning when it was not. */
export function clampOffset(
  { topic, partition, offset }: GroupOffset,
  { start, end }: LogRange,
): {
  readonly offset: number;
  readonly warning: string | null;
} {
  const replaced = (relation: string, by: number) => ({
    offset: by,
    warning:
      `New offset (${offset}) is ${relation} offset for topic partition ${topic}-${partition}. ` +
      `Value will be set to ${by}`,
  });
  if (end !== null && offset > end) return replaced('higher than latest', end);
  if (start !== null && offset < start) return replaced('lower than earliest', start);
  return { offset, warning: null };
}
