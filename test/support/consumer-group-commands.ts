/**
 * The commands of the scenarios of the consumer protocol (test/scripts/consumer-group). A request is known by `as=`, or
 * by its member; its answer is printed as `<as>: …` when it comes; records are printed with + as they are appended.
 *
 * shard [topics=a:4,b:2] [max-size=] [classic-max-size=] [policy=] [assignors=] [session=]   a new, empty one; first
 * topic name= partitions=     delete-topic name=           made or grown, made anew or gone; the shard is told
 * join member= [topics=a,b] [regex=] [instance=] [assignor=] [rebalance=] [v=] [epoch=0]      a full heartbeat
 * hb member= epoch= [owned=a:0/1,b:2 | owned=none] [rebalance=] [topics=] [regex=] [instance=] [assignor=] a heartbeat
 * leave member= [epoch=-1] [instance=]
 * classic-join [member=] [topics=] [owned=] [protocols=range,sticky] [instance=] [session=] [rebalance=] [v=] as=
 * classic-sync member= gen= [instance=]    classic-heartbeat member= gen=    classic-leave members=
 * commit member= epoch= offset= [topic=] [v=]    fetch [member=] [epoch=]    delete-group
 * describe        list        timers             waiting
 * advance ms=     refuse error=   hold / release   reload     expire
 * All of them take g=, the group; it is `g`.
 */
import type { Ticket } from '../../src/coordinator/shard.ts';
import type { JoinGroupAnswer, SyncGroupAnswer } from '../../src/group/classic-responses.ts';
import type { DescribedConsumerGroup } from '../../src/group/consumer-group-description.ts';
import type { MigrationPolicy } from '../../src/group/consumer-group-settings.ts';
import { errorName } from '../../src/protocol/errors.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../src/protocol/internal/consumer-protocol.ts';
import { printAssignment, printClassicAssignment, printGroupRecord, printHeartbeat } from './consumer-group-records.ts';
import {
  commitRequest,
  consumerHeartbeatRequest,
  heartbeatRequest,
  joinRequest,
  leaveRequest,
  memberContext,
  syncRequest,
} from './group-requests.ts';
import { groupOf, list, memberOf } from './group-arguments.ts';
import { type GroupSettings, GroupStage } from './group-stage.ts';
import { ManualTopics } from './manual-topics.ts';
import { playCommands, type ScriptArguments, type ScriptCommands } from './script.ts';

type Decide = Parameters<GroupStage['ask']>[0];
type Print = (response: never) => string;
type Listed = { topicId: string; partitions: number[] }[];
type Acts = Readonly<Record<string, (args: ScriptArguments) => unknown>>;

export function consumerGroupCommands(): ScriptCommands {
  const play = new ConsumerGroupPlay();
  return playCommands(play.acts(), () => play.takeLines());
}

class ConsumerGroupPlay {
  #topics = new ManualTopics();
  #stage = new GroupStage();
  #lines: string[] = [];
  readonly #asked = new Map<Ticket, { readonly name: string; readonly print: Print }>();
  readonly #everyName = new Map<string, string>();

  takeLines(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  acts(): Acts {
    return { ...this.#members(), ...this.#classicMembers(), ...this.#looks(), ...this.#world() };
  }

  #members(): Acts {
    return {
      join: (args) => this.#heartbeat(args, 0, { topics: args.has('regex') ? null : ['a'], rebalanceMs: 60_000 }),
      hb: (args) => this.#heartbeat(args, args.number('epoch')),
      leave: (args) => this.#heartbeat(args, args.number('epoch', -1)),
      commit: (args) => {
        const partition = {
          partitionIndex: 0,
          committedOffset: args.number('offset'),
          committedLeaderEpoch: -1,
          commitTimestamp: -1,
          committedMetadata: null,
        };
        const request = commitRequest({
          ...groupOf(args),
          memberId: args.text('member', ''),
          generationIdOrMemberEpoch: args.number('epoch', -1),
          topics: [{ name: args.text('topic', 'a'), partitions: [partition] }],
        });
        const context = memberContext(args.number('v', 9));
        this.#ask(args, (shard, ticket, nowMs) => shard.commitOffsets(context, request, ticket, nowMs), printCommit);
      },
      fetch: (args) => {
        const memberId = args.has('member') ? args.text('member') : null;
        const group = { ...groupOf(args), memberId, memberEpoch: args.number('epoch', -1), topics: null };
        const decide: Decide = (shard, ticket, nowMs) =>
          shard.fetchOffsets(memberContext(9), group, true, ticket, nowMs);
        this.#ask(args, decide, printFetch);
      },
    };
  }

  #heartbeat(
    args: ScriptArguments,
    memberEpoch: number,
    full?: { topics: string[] | null; rebalanceMs: number },
  ): void {
    const owned = args.text('owned', full === undefined ? 'unsaid' : 'none');
    const request = consumerHeartbeatRequest({
      ...groupOf(args),
      memberId: args.text('member', ''),
      memberEpoch,
      instanceId: args.has('instance') ? args.text('instance') : null,
      rebalanceTimeoutMs: args.number('rebalance', full?.rebalanceMs ?? -1),
      subscribedTopicNames: args.has('topics') ? list(args.text('topics')) : (full?.topics ?? null),
      subscribedTopicRegex: args.has('regex') ? args.text('regex') : null,
      serverAssignor: args.has('assignor') ? args.text('assignor') : null,
      topicPartitions: owned === 'unsaid' ? null : this.#listed(owned),
    });
    const context = memberContext(args.number('v', 1), args.text('client', 'c'));
    this.#ask(
      args,
      (shard, ticket, nowMs) => shard.consumerGroupHeartbeat(context, request, ticket, nowMs),
      (answer) => printHeartbeat(answer, this.#nameOf),
    );
  }

  #classicMembers(): Acts {
    return {
      'classic-join': (args) => {
        const metadata = ConsumerProtocolSubscription.encode({
          topics: list(args.text('topics', 'a')),
          ownedPartitions: this.#listed(args.text('owned', 'none')).map(({ topicId, partitions }) => ({
            topic: this.#nameOf(topicId),
            partitions,
          })),
        });
        const request = joinRequest({
          ...groupOf(args),
          memberId: args.text('member', ''),
          groupInstanceId: args.has('instance') ? args.text('instance') : null,
          protocolType: args.text('type', 'consumer'),
          protocols: list(args.text('protocols', 'range')).map((name) => ({ name, metadata })),
          sessionTimeoutMs: args.number('session', 10_000),
          rebalanceTimeoutMs: args.number('rebalance', 60_000),
        });
        const context = memberContext(args.number('v', 3), args.text('client', 'c'));
        this.#ask(args, (shard, ticket, nowMs) => shard.joinGroup(context, request, ticket, nowMs), printJoin);
      },
      'classic-sync': (args) => {
        const assignments = list(args.text('assign', '')).map((part) => {
          const [memberId = '', ...partitions] = part.split('=');
          return { memberId, assignment: this.#classicAssignment(partitions.join('=')) };
        });
        const request = syncRequest({ ...memberOf(args), assignments });
        const decide: Decide = (shard, ticket, nowMs) => shard.syncGroup(memberContext(5), request, ticket, nowMs);
        this.#ask(args, decide, printSync);
      },
      'classic-heartbeat': (args) => {
        const request = heartbeatRequest(memberOf(args));
        const decide: Decide = (shard, ticket, nowMs) => shard.heartbeat(memberContext(4), request, ticket, nowMs);
        this.#ask(args, decide, ({ errorCode }: { errorCode: number }) => errorName(errorCode));
      },
      'classic-leave': (args) => {
        const groupInstanceId = args.has('instance') ? args.text('instance') : null;
        const members = list(args.text('members', '')).map((memberId) => ({ memberId, groupInstanceId, reason: null }));
        const request = leaveRequest({ ...groupOf(args), members });
        const decide: Decide = (shard, ticket, nowMs) => shard.leaveGroup(memberContext(5), request, ticket, nowMs);
        this.#ask(args, decide, printLeave);
      },
    };
  }

  #looks(): Acts {
    return {
      describe: (args) =>
        this.#ask(
          args,
          (shard, ticket, nowMs) => shard.consumerGroupDescribe(memberContext(1), groupOf(args).groupId, ticket, nowMs),
          (group) => this.#printDescribed(group),
        ),
      list: (args) =>
        this.#ask(
          args,
          (shard, ticket, nowMs) => shard.listGroups({ statesFilter: [], typesFilter: [] }, ticket, nowMs),
          (groups: { groupId: string; groupType: string; groupState: string }[]) =>
            groups.map(({ groupId, groupType, groupState }) => `${groupId} ${groupType} ${groupState}`).join(', ') ||
            'no groups',
        ),
      'delete-group': (args) =>
        this.#ask(
          args,
          (shard, ticket, nowMs) => shard.deleteGroup(groupOf(args).groupId, ticket, nowMs),
          ({ errorCode }: { errorCode: number }) => errorName(errorCode),
        ),
      timers: () =>
        Array.from(this.#stage.timers(), ([key, delayMs]) => `${key} in ${delayMs} ms`)
          .sort()
          .join('\n'),
      waiting: () => [...this.#stage.open].map((ticket) => this.#asked.get(ticket)?.name).join(' '),
    };
  }

  #world(): Acts {
    return {
      shard: (args) => this.#newShard(args),
      topic: (args) => {
        this.#topics.set(args.text('name'), args.number('partitions'));
        this.#tellTopics(args.text('name'));
      },
      'delete-topic': (args) => {
        this.#topics.delete(args.text('name'));
        this.#tellTopics(args.text('name'));
      },
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
    };
  }

  #newShard(args: ScriptArguments): void {
    this.#topics = new ManualTopics();
    for (const topic of list(args.text('topics', 'a:4'))) {
      const [name = '', partitions = '1'] = topic.split(':');
      this.#topics.set(name, Number(partitions));
    }
    const settings: Partial<GroupSettings> = {
      groupMaxSize: args.number('classic-max-size', 1000),
      groupConsumerMaxSize: args.number('max-size', 1000),
      groupConsumerSessionTimeoutMs: args.number('session', 45_000),
      groupConsumerAssignors: list(args.text('assignors', 'uniform,range')),
      groupConsumerMigrationPolicy: args.text('policy', 'bidirectional') as MigrationPolicy,
      offsetsRetentionMinutes: args.number('retention-minutes', 10_080),
    };
    this.#stage = new GroupStage({
      settings,
      topics: () => this.#topics,
      onAppended: (record) => this.#lines.push(`+ ${printGroupRecord(record, this.#nameOf)}`),
      onAnswered: (ticket, response) => {
        const asked = this.#asked.get(ticket);
        this.#lines.push(`${asked?.name}: ${asked?.print(response as never)}`);
      },
    });
  }

  #tellTopics(topic: string): void {
    this.#stage.carryOut(this.#stage.shard.onTopicsChanged([topic], this.#stage.nowMs));
  }

  /** Also of topics that are gone, once they have been printed. */
  readonly #nameOf = (topicId: string): string => {
    const name = this.#topics.topicName(topicId) ?? this.#everyName.get(topicId) ?? topicId;
    this.#everyName.set(topicId, name);
    return name;
  };

  /** `a:0/1,b:2`, or `none` */
  #listed(text: string): Listed {
    if (text === 'none') return [];
    return list(text).map((part) => {
      const [name = '', partitions = ''] = part.split(':');
      return { topicId: this.#topics.topicId(name) ?? '', partitions: partitions.split('/').map(Number) };
    });
  }

  #classicAssignment(text: string): Buffer {
    const assignedPartitions = this.#listed(text.replaceAll(';', ',')).map(({ topicId, partitions }) => ({
      topic: this.#nameOf(topicId),
      partitions,
    }));
    return ConsumerProtocolAssignment.encode({ assignedPartitions, userData: null }, 1);
  }

  #printDescribed(group: DescribedConsumerGroup): string {
    if (group.errorCode !== 0) return `${errorName(group.errorCode)} ${group.errorMessage}`;
    const members = group.members.map(({ memberId, memberEpoch, assignment, targetAssignment, memberType }) => {
      const has = printAssignment(assignment.topicPartitions, this.#nameOf);
      const target = printAssignment(targetAssignment.topicPartitions, this.#nameOf);
      const kind = memberType === 0 ? ' classic' : '';
      return `  ${memberId}${kind} epoch ${memberEpoch}, has ${has}${has === target ? '' : `, is to have ${target}`}`;
    });
    const { groupState, groupEpoch, assignmentEpoch, assignorName } = group;
    return [`${groupState}, epoch ${groupEpoch}, target ${assignmentEpoch}, ${assignorName}`, ...members].join('\n');
  }

  #ask(args: ScriptArguments, decide: Decide, print: Print): void {
    const name = args.text('as', args.text('member', 'it'));
    this.#stage.ask((shard, ticket, nowMs) => {
      this.#asked.set(ticket, { name, print });
      return decide(shard, ticket, nowMs);
    });
  }
}

function printJoin(answer: JoinGroupAnswer): string {
  if (answer.errorCode !== 0) return `${errorName(answer.errorCode)} ${answer.memberId}`.trim();
  const { memberId, generationId, protocolName, leader } = answer;
  return `${memberId} generation ${generationId} ${protocolName}${leader === memberId ? ', leads' : ''}`;
}

function printSync({ errorCode, assignment }: SyncGroupAnswer): string {
  return errorCode === 0 ? `has ${printClassicAssignment(assignment as Buffer)}` : errorName(errorCode);
}

function printLeave({ errorCode, members }: { errorCode: number; members: { errorCode: number }[] }): string {
  return [errorCode, ...members.map((member) => member.errorCode)].map(errorName).join(' ');
}

function printCommit({ topics }: { topics: { partitions: { errorCode: number }[] }[] }): string {
  return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode))).join(' ');
}

interface Fetched {
  readonly errorCode?: number;
  readonly topics: { name: string; partitions: { partitionIndex: number; committedOffset: number }[] }[];
}

function printFetch({ errorCode = 0, topics }: Fetched): string {
  const offsets = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, committedOffset }) => `${name}-${partitionIndex}=${committedOffset}`),
  );
  return errorCode === 0 ? offsets.join(' ') || 'no offsets' : errorName(errorCode);
}
