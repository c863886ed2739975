/** @pure The options of kafka-consumer-groups and which of them go together (Kafka's ConsumerGroupCommandOptions). */
import { refuseTogether, UsageError } from './command.ts';
import type { Options } from './options.ts';

export const GROUP_OPTIONS = {
  'bootstrap-server': { argument: 'host:port', required: true, description: 'The server(s) to connect to.' },
  'command-config': { argument: 'file', description: 'Properties for the connection to the server.' },
  list: { description: 'List all consumer groups.' },
  describe: { description: 'Show where a group is in each partition and how far it is behind.' },
  delete: { description: 'Delete groups with all their offsets: --group g1 --group g2.' },
  'reset-offsets': {
    description:
      'Move the offsets of a group without members. Say where with one of --to-earliest, --to-latest, --to-current, ' +
      '--to-offset, --to-datetime, --by-duration, --shift-by, --from-file, and of which topics with --topic or ' +
      '--all-topics. Nothing is changed without --execute.',
  },
  'delete-offsets': { description: 'Delete the offsets that a group has committed for topics.' },
  group: { argument: 'group', description: 'The group to act on; may be repeated.' },
  'all-groups': { description: 'Apply to all consumer groups.' },
  topic: {
    argument: 'topic',
    description:
      'With --reset-offsets and --delete-offsets, a topic, or some partitions of it as in orders:0,1; may be repeated.',
  },
  'all-topics': { description: 'With --reset-offsets, all topics that the group has committed offsets of.' },
  offsets: { description: 'When describing, where the group is in each partition; the default.' },
  members: { description: 'When describing, the members of the group.' },
  state: {
    argument: 'states',
    argumentIsOptional: true,
    description:
      'When describing, the state of the group. When listing, the states of all groups, or only groups in these: ' +
      'stable,empty.',
  },
  type: {
    argument: 'types',
    argumentIsOptional: true,
    description: 'When listing, the types of all groups, or only groups of these: classic,consumer.',
  },
  verbose: { description: 'When describing --members, also which partitions each of them has.' },
  'dry-run': { description: 'With --reset-offsets, show what would be done; the default.' },
  execute: { description: 'With --reset-offsets, do it.' },
  export: { description: 'With --reset-offsets, print the offsets as lines for --from-file.' },
  'to-offset': { argument: 'offset', description: 'Reset to this offset.' },
  'to-earliest': { description: 'Reset to the earliest offset.' },
  'to-latest': { description: 'Reset to the end.' },
  'to-current': { description: 'Reset to the committed offset, or to the end where there is none.' },
  'to-datetime': {
    argument: 'datetime',
    description: "Reset to the first record of that time: 'YYYY-MM-DDTHH:mm:SS.sss', UTC unless it names a zone.",
  },
  'by-duration': { argument: 'duration', description: "Reset to the first record since so long ago: 'PnDTnHnMnS'." },
  'shift-by': { argument: 'number', description: 'Move by so many offsets, forwards or (negative) backwards.' },
  'from-file': { argument: 'file', description: 'Reset as lines of topic,partition,offset say (see --export).' },
  timeout: {
    argument: 'ms',
    default: '5000',
    description: 'How long to wait for an answer, for example while a group is being loaded.',
  },
};

export type GroupOptions = Options<keyof typeof GROUP_OPTIONS | 'help' | 'version'>;

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'] as const;
const SCENARIOS = [
  'to-offset',
  'shift-by',
  'to-datetime',
  'by-duration',
  'to-earliest',
  'to-latest',
  'to-current',
  'from-file',
] as const;
const VIEWS = ['members', 'offsets', 'state'] as const;

const DRY_RUN_WARNING =
  'WARN: No action will be performed as the --execute option is missing.' +
  'In a future major release, the default behavior of this command will be to prompt the user before ' +
  'executing the reset rather than doing a dry run. You should add the --dry-run option explicitly ' +
  'if you are scripting this command and want to keep the current default behavior without prompting.';

/** Returns what the user should be warned of, if anything. @throws UsageError in Kafka's words */
export function checkGroupOptions(options: GroupOptions): string | null {
  refuseUnavailable(options);
  const namesGroups = options.has('group') || options.has('all-groups');
  if (options.has('describe')) {
    if (!namesGroups) throw new UsageError('Option [describe] takes one of these options: [all-groups], [group]');
    if (VIEWS.filter((view) => options.has(view)).length > 1)
      throw new UsageError('Option [describe] takes at most one of these options: [members], [offsets], [state]');
    if (options.text('state')) throw new UsageError('Option [describe] does not take a value for [state]');
  }
  if (options.has('delete')) {
    if (!namesGroups) throw new UsageError('Option [delete] takes one of these options: [all-groups], [group]');
    if (options.has('topic'))
      throw new UsageError('The consumer does not support topic-specific offset deletion from a consumer group.');
  }
  if (options.has('delete-offsets') && !(options.has('group') && options.has('topic')))
    // Kafka's words; it means [group] and [topic].
    throw new UsageError('Option [delete-offsets] takes the following options: [all-groups], [group]');
  const warning = options.has('reset-offsets') ? checkReset(options, namesGroups) : null;
  refuseTogether(options, 'group', 'all-groups', 'list');
  refuseTogether(options, 'topic', 'list', 'describe');
  if (ACTIONS.filter((action) => options.has(action)).length !== 1)
    throw new UsageError(
      'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets',
    );
  return warning;
}

/** Options that only another one makes available. */
function refuseUnavailable(options: GroupOptions): void {
  const isFor = {
    members: options.has('describe'),
    offsets: options.has('describe'),
    verbose: options.has('describe'),
    state: options.has('describe') || options.has('list'),
    type: options.has('list'),
  };
  const wrong = (Object.keys(isFor) as (keyof typeof isFor)[]).filter((name) => options.has(name) && !isFor[name]);
  if (wrong.length > 0)
    throw new UsageError(`Option(s) [${wrong.join(', ')}] are unavailable given other options on the command line`);
}

function checkReset(options: GroupOptions, namesGroups: boolean): string | null {
  if (options.has('dry-run') && options.has('execute'))
    throw new UsageError('Option [reset-offsets] only accepts one of [execute] and [dry-run]');
  if (!namesGroups) throw new UsageError('Option [reset-offsets] takes one of these options: [all-groups], [group]');
  for (const scenario of SCENARIOS)
    refuseTogether(options, scenario, ...SCENARIOS.filter((other) => other !== scenario));
  return options.has('dry-run') || options.has('execute') ? null : DRY_RUN_WARNING;
}

const STATES = [
  'PreparingRebalance',
  'CompletingRebalance',
  'Stable',
  'Dead',
  'Empty',
  'Assigning',
  'Reconciling',
] as const;
const TYPES = ['Consumer', 'Classic'] as const;

/** The states of --list --state, as brokers write them. @throws UsageError */
export function statesIn(options: GroupOptions): string[] {
  return namesIn(options.text('state'), STATES, 'state', 'states');
}

/** The types of --list --type. @throws UsageError */
export function typesIn(options: GroupOptions): string[] {
  return namesIn(options.text('type'), TYPES, 'types', 'types');
}

function namesIn(text: string | undefined, names: readonly string[], one: string, many: string): string[] {
  if (!text) return [];
  return [...new Set(text.split(','))].map((given) => {
    const name = names.find((candidate) => candidate.toLowerCase() === given.trim().toLowerCase());
    if (name === undefined)
      throw new UsageError(`Invalid ${one} list '${text}'. Valid ${many} are: ${names.join(', ')}`);
    return name;
  });
}
