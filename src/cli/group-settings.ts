/** @pure A group's part of the consumer's properties, in the names, defaults and words of Kafka's ConsumerConfig. */
import { CLIENT_ASSIGNORS } from '../client/client-assignors.ts';
import { CommandError } from './command.ts';
import type { GroupSettings } from '../client/group-consumer.ts';

const ASSIGNOR_CLASS = /^(?:org\.apache\.kafka\.clients\.consumer\.)?(Range|RoundRobin)Assignor$/;
const ASSIGNOR_NAMES = new Map([
  ['Range', 'range'],
  ['RoundRobin', 'roundrobin'],
]);

/** What the new protocol leaves to the brokers. */
const CLASSIC_KEYS = ['heartbeat.interval.ms', 'session.timeout.ms', 'partition.assignment.strategy'] as const;

/**
 * @param memberId for a member of the new protocol, which names itself
 * @throws CommandError for what this consumer cannot be or do
 */
export function groupSettings(
  groupId: string,
  properties: ReadonlyMap<string, string>,
  memberId: string,
): GroupSettings {
  if (groupId === '') throw new CommandError('The configured group.id should not be an empty string or whitespace.');
  const isCommitting = (properties.get('enable.auto.commit') ?? 'true').toLowerCase() !== 'false';
  const protocol = (properties.get('group.protocol') ?? 'classic').toLowerCase();
  if (protocol !== 'classic' && protocol !== 'consumer')
    throw new CommandError(
      `Invalid value ${protocol} for configuration group.protocol: String must be one of (case insensitive): ` +
        'CLASSIC, CONSUMER',
    );
  const common = {
    groupId,
    groupInstanceId: properties.get('group.instance.id') ?? null,
    rebalanceTimeoutMs: milliseconds(properties, 'max.poll.interval.ms', 300_000),
  };
  return {
    membership:
      protocol === 'classic'
        ? { protocol, ...common, ...classicSettings(properties) }
        : { protocol, memberId, ...common, serverAssignor: remoteAssignor(properties) },
    autoCommitIntervalMs: isCommitting ? milliseconds(properties, 'auto.commit.interval.ms', 5000) : null,
  };
}

function remoteAssignor(properties: ReadonlyMap<string, string>): string | null {
  for (const key of CLASSIC_KEYS)
    if (properties.has(key)) throw new CommandError(`${key} cannot be set when group.protocol=CONSUMER`);
  return properties.get('group.remote.assignor') ?? null;
}

function classicSettings(properties: ReadonlyMap<string, string>) {
  const heartbeatIntervalMs = milliseconds(properties, 'heartbeat.interval.ms', 3000);
  const sessionTimeoutMs = milliseconds(properties, 'session.timeout.ms', 45_000);
  if (heartbeatIntervalMs >= sessionTimeoutMs)
    throw new CommandError('Heartbeat must be set lower than the session timeout');
  const assignors = assignorsOf(properties.get('partition.assignment.strategy'));
  return { heartbeatIntervalMs, sessionTimeoutMs, assignors };
}

/** What a group's members have in common decides, so one that is not known here may stand among others. */
function assignorsOf(text: string | undefined): string[] {
  if (text === undefined) return ['range'];
  const given = text.split(',').map((name) => name.trim());
  const known = given.flatMap((name) => {
    const assignor = ASSIGNOR_NAMES.get(ASSIGNOR_CLASS.exec(name)?.[1] ?? '') ?? name;
    return CLIENT_ASSIGNORS.has(assignor) ? [assignor] : [];
  });
  if (known.length > 0) return known;
  throw new CommandError(
    `partition.assignment.strategy=${text} is not supported by this tool: ` +
      'it knows RangeAssignor and RoundRobinAssignor.',
  );
}

function milliseconds(properties: ReadonlyMap<string, string>, key: string, byDefault: number): number {
  const text = properties.get(key);
  if (text === undefined) return byDefault;
  if (!/^\d+$/.test(text) || Number(text) > 0x7fff_ffff)
    throw new CommandError(`Invalid value ${text} for configuration ${key}: Not a number of type INT`);
  return Math.max(1, Number(text));
}
