/**
 * The commands of the scenarios of groups (test/scripts/group). A request is known by `as=`, its answer is printed as
 * `<as>: …` when it comes; records are printed with + as they are appended. Members are called client-1, client-2, …
 *
 * shard [max-size=] [initial-delay=] [retention-minutes=] [metadata-max=]   a new, empty shard; always first
 * join as= [g=] [member=] [instance=] [client=] [protocols=range:a/b,sticky] [type=] [v=] [session=] [rebalance=]
 * sync as= [g=] member= [instance=] gen= [assign=id:text,id:text] [type=] [protocol=]
 * heartbeat as= [g=] member= [instance=] gen=        leave as= [g=] [members=id,id] [instance=]
 * commit as= [g=] [member=] [gen=] [v=] [topic=] [partition=] offset= [metadata=] [epoch=] [retention=] [timestamp=]
 * fetch [g=] [topic=] [partition=]                   all topics when none is named
 * delete-offsets as= [g=] topic= [partition=]        delete-group as= [g=]
 * describe [g=]       list [states=a,b] [types=]     timers     waiting
 * advance ms=         refuse error=                  hold / release      reload
 * reconfigure …       the log is read with other settings, those of shard
 * expire              topics-deleted topics=a,b
 */
import type { Ticket } from '../../src/coordinator/shard.ts';
import { errorName } from '../../src/protocol/errors.ts';
import type { GroupRecord } from '../../src/protocol/internal/group-record.ts';
import {
  commitRequest,
  heartbeatRequest,
  joinRequest,
  leaveRequest,
  memberContext,
  subscription,
  syncRequest,
} from './group-requests.ts';
import { groupOf, list, memberOf } from './group-arguments.ts';
import { type GroupSettings, GroupStage } from './group-stage.ts';
import { playCommands, type ScriptArguments, type ScriptCommands } from './script.ts';

type Fields = Readonly<Record<string, unknown>>;

export function groupCommands(): ScriptCommands {
  const play = new GroupPlay();
  return playCommands(play.commands(), () => play.takeLines());
}

class GroupPlay {
  #stage = new GroupStage();
  #lines: string[] = [];
  readonly #names = new Map<Ticket, string>();

  takeLines(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  commands(): Record<string, (args: ScriptArguments) => unknown> {
    return { ...this.#requests(), ...this.#looks(), ...this.#world() };
  }

  #requests(): Record<string, (args: ScriptArguments) => unknown> {
    return {
      join: (args) => {
        const request = joinRequest({
          ...groupOf(args),
          memberId: args.text('member', ''),
          groupInstanceId: args.has('instance') ? args.text('instance') : null,
          protocolType: args.text('type', 'consumer'),
          protocols: protocolsOf(args),
          sessionTimeoutMs: args.number('session', 10_000),
          rebalanceTimeoutMs: args.number('rebalance', 60_000),
        });
        const context = memberContext(args.number('v', 9), args.text('client', 'c'));
        this.#ask(args, (shard, ticket, nowMs) => shard.joinGroup(context, request, ticket, nowMs));
      },
      sync: (args) => {
        const request = syncRequest({
          ...memberOf(args),
          protocolType: args.has('type') ? args.text('type') : null,
          protocolName: args.has('protocol') ? args.text('protocol') : null,
          assignments: list(args.text('assign', '')).map((part) => {
            const [memberId = '', assignment = ''] = part.split(':');
            return { memberId, assignment: Buffer.from(assignment) };
          }),
        });
        this.#ask(args, (shard, ticket, nowMs) => shard.syncGroup(memberContext(5), request, ticket, nowMs));
      },
      heartbeat: (args) => {
        const request = heartbeatRequest(memberOf(args));
        this.#ask(args, (shard, ticket, nowMs) => shard.heartbeat(memberContext(4), request, ticket, nowMs));
      },
      leave: (args) => {
        const groupInstanceId = args.has('instance') ? args.text('instance') : null;
        const ids = args.has('members') ? list(args.text('members')) : [''];
        const members = ids.map((memberId) => ({ memberId, groupInstanceId, reason: null }));
        const request = leaveRequest({ ...groupOf(args), members });
        this.#ask(args, (shard, ticket, nowMs) => shard.leaveGroup(memberContext(5), request, ticket, nowMs));
      },
      commit: (args) => this.#commit(args),
      'delete-offsets': (args) => {
        const partitions = [{ partitionIndex: args.number('partition', 0) }];
        const request = { ...groupOf(args), topics: [{ name: args.text('topic'), partitions }] };
        this.#ask(args, (shard, ticket, nowMs) => shard.deleteOffsets(memberContext(0), request, ticket, nowMs));
      },
      'delete-group': (args) =>
        this.#ask(args, (shard, ticket, nowMs) => shard.deleteGroup(groupOf(args).groupId, ticket, nowMs)),
    };
  }

  #commit(args: ScriptArguments): void {
    const partition = {
      partitionIndex: args.number('partition', 0),
      committedOffset: args.number('offset'),
      committedLeaderEpoch: args.number('epoch', -1),
      commitTimestamp: args.number('timestamp', -1),
      committedMetadata: args.has('metadata') ? args.text('metadata') : null,
    };
    const request = commitRequest({
      ...groupOf(args),
      memberId: args.text('member', ''),
      groupInstanceId: args.has('instance') ? args.text('instance') : null,
      generationIdOrMemberEpoch: args.number('gen', -1),
      retentionTimeMs: args.number('retention', -1),
      topics: [{ name: args.text('topic', 't'), partitions: [partition] }],
    });
    const context = memberContext(args.number('v', 9));
    this.#ask(args, (shard, ticket, nowMs) => shard.commitOffsets(context, request, ticket, nowMs));
  }

  #looks(): Record<string, (args: ScriptArguments) => unknown> {
    return {
      fetch: (args) => {
        const topics = args.has('topic')
          ? [{ name: args.text('topic'), partitionIndexes: [args.number('partition', 0)] }]
          : null;
        const group = { ...groupOf(args), memberId: null, memberEpoch: -1, topics };
        this.#ask(args, (shard, ticket, nowMs) => shard.fetchOffsets(memberContext(9), group, true, ticket, nowMs));
      },
      describe: (args) =>
        this.#ask(args, (shard, ticket, nowMs) =>
          shard.describeGroup(memberContext(5), groupOf(args).groupId, ticket, nowMs),
        ),
      list: (args) => {
        const filter = { statesFilter: list(args.text('states', '')), typesFilter: list(args.text('types', '')) };
        this.#ask(args, (shard, ticket, nowMs) => shard.listGroups(filter, ticket, nowMs));
      },
      timers: () =>
        Array.from(this.#stage.timers(), ([key, delayMs]) => `${key} in ${delayMs} ms`)
          .sort()
          .join('\n'),
      waiting: () => [...this.#stage.open].map((ticket) => this.#names.get(ticket)).join(' '),
    };
  }

  #world(): Record<string, (args: ScriptArguments) => unknown> {
    return {
      shard: (args) => {
        this.#stage = new GroupStage({
          settings: settingsOf(args),
          onAppended: (record) => this.#lines.push(`+ ${printRecord(record)}`),
          onAnswered: (ticket, response) =>
            this.#lines.push(`${this.#names.get(ticket)}: ${printAnswer(response as Fields)}`),
        });
      },
      reconfigure: (args) => this.#stage.reload(settingsOf(args)),
      advance: (args) => this.#stage.advance(args.number('ms')),
      refuse: (args) => {
        this.#stage.refusal = args.text('error') as 'NOT_COORDINATOR';
      },
      hold: () => {
        this.#stage.isHeld = true;
      },
      release: () => {
        this.#stage.isHeld = false;
        this.#stage.commit();
      },
      reload: () => this.#stage.reload(),
      expire: () => this.#stage.carryOut(this.#stage.shard.expireOffsets(this.#stage.nowMs)),
      'topics-deleted': (args) =>
        this.#stage.carryOut(this.#stage.shard.onTopicsDeleted(list(args.text('topics')), this.#stage.nowMs)),
    };
  }

  #ask(args: ScriptArguments, decide: Parameters<GroupStage['ask']>[0]): void {
    const name = args.text('as', 'it');
    this.#stage.ask((shard, ticket, nowMs) => {
      this.#names.set(ticket, name);
      return decide(shard, ticket, nowMs);
    });
  }
}

function settingsOf(args: ScriptArguments): Partial<GroupSettings> {
  return {
    groupMaxSize: args.number('max-size', 2_147_483_647),
    groupInitialRebalanceDelayMs: args.number('initial-delay', 0),
    offsetsRetentionMinutes: args.number('retention-minutes', 10_080),
    offsetMetadataMaxBytes: args.number('metadata-max', 4096),
  };
}

/** `range:a/b,sticky:a` : protocols, each with the topics that the member reads. */
function protocolsOf(args: ScriptArguments): { name: string; metadata: Buffer }[] {
  return list(args.text('protocols', 'range:t')).map((part) => {
    const [name = '', topics = ''] = part.split(':');
    return {
      name,
      metadata: args.text('type', 'consumer') === 'consumer' ? subscription(topics.split('/')) : Buffer.from(topics),
    };
  });
}

function printRecord(record: GroupRecord): string {
  if (record.kind === 'offsetCommit') {
    const { group, topic, partition } = record.key;
    const where = `offset ${group} ${topic}-${partition}`;
    if (record.value === null) return `${where} gone`;
    const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp } = record.value;
    const expiry = expireTimestamp === -1 ? '' : ` until ${expireTimestamp}`;
    return `${where} = ${offset} epoch ${leaderEpoch} '${metadata}' at ${commitTimestamp}${expiry}`;
  }
  if (record.kind !== 'groupMetadata') return record.kind;
  if (record.value === null) return `group ${record.key.group} gone`;
  const { generation, protocolType, protocol, leader, members } = record.value;
  const who = members.map(({ memberId, groupInstanceId, assignment }) => {
    const instance = groupInstanceId === null ? '' : `[${groupInstanceId}]`;
    return `${memberId}${instance}:${assignment}`;
  });
  const protocols = `${protocolType}/${protocol}`;
  return `group ${record.key.group} generation ${generation} ${protocols} leader ${leader} (${who.join(' ')})`;
}

/** The fields that say something, in the order of the answer. */
function printAnswer(answer: unknown): string {
  if (Array.isArray(answer)) return `(${answer.map(printAnswer).join(', ')})`;
  if (Buffer.isBuffer(answer)) return `'${answer.toString('latin1').replace(/[^ -~]+/g, '.')}'`;
  if (typeof answer !== 'object' || answer === null) return String(answer);
  const words: string[] = [];
  for (const [name, value] of Object.entries(answer)) {
    const isEmpty = value === '' || value === null || value === undefined || value === false;
    if (name === 'errorCode') words.push(errorName(value as number));
    else if (!isEmpty && !DULL.has(name) && !(Array.isArray(value) && value.length === 0))
      words.push(`${SHORT.get(name) ?? name}=${printAnswer(value)}`);
  }
  return words.join(' ');
}

const DULL: ReadonlySet<string> = new Set(['clientHost', 'groupType']);
const SHORT: ReadonlyMap<string, string> = new Map([
  ['generationId', 'gen'],
  ['protocolType', 'type'],
  ['protocolName', 'protocol'],
  ['protocolData', 'protocol'],
  ['memberId', 'member'],
  ['groupInstanceId', 'instance'],
  ['groupId', 'group'],
  ['groupState', 'state'],
  ['memberMetadata', 'metadata'],
  ['memberAssignment', 'assignment'],
  ['partitionIndex', 'partition'],
  ['committedOffset', 'offset'],
  ['committedLeaderEpoch', 'epoch'],
]);
