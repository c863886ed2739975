/**
 * @pure The rules of the consumer protocol, put together for the shard that has the groups: heartbeats, members of the
 * classic protocol, timers, descriptions.
 */
import type { Outcome, Ticket } from '../coordinator/shard.ts';
import type { GroupRecord } from '../protocol/internal/group-record.ts';
import type { ConsumerGroupHeartbeat } from '../protocol/messages/68-consumer-group-heartbeat.ts';
import type { RequestOf } from '../protocol/schema.ts';
import { ClassicGroup } from './classic-group.ts';
import { ClassicMembers } from './classic-members.ts';
import type { ClassicRebalance } from './classic-rebalance.ts';
import { ConsumerGroup, type ConsumerGroupRecord } from './consumer-group.ts';
import { type DescribedConsumerGroup, describedConsumerGroup, noConsumerGroup } from './consumer-group-description.ts';
import { ConsumerGroupHeartbeats } from './consumer-group-heartbeat.ts';
import type { ConsumerGroupEnvironment } from './consumer-group-settings.ts';
import { endsMembership, resumeTimers } from './consumer-group-timers.ts';
import { ConsumerGroupUpdate } from './consumer-group-update.ts';
import type { Decision } from './decision.ts';
import type { Group } from './group.ts';
import { DOWNGRADED_TIMER, GroupMigration } from './group-migration.ts';
import type { MemberContext } from './group-settings.ts';

export class ConsumerGroups {
  /** The classic protocol, for members of consumer groups. */
  readonly classicMembers: ClassicMembers;
  readonly #environment: ConsumerGroupEnvironment;
  readonly #rebalance: ClassicRebalance;
  readonly #migration: GroupMigration;
  readonly #heartbeats: ConsumerGroupHeartbeats;

  constructor(environment: ConsumerGroupEnvironment, rebalance: ClassicRebalance) {
    const update = new ConsumerGroupUpdate(environment);
    this.#environment = environment;
    this.#rebalance = rebalance;
    this.#migration = new GroupMigration(environment, update, rebalance);
    this.#heartbeats = new ConsumerGroupHeartbeats(environment, update, this.#migration);
    this.classicMembers = new ClassicMembers(environment, update, this.#migration);
  }

  heartbeat(
    found: Group | undefined,
    context: MemberContext,
    request: RequestOf<typeof ConsumerGroupHeartbeat>,
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    return this.#heartbeats.heartbeat(found, context, request, ticket, nowMs);
  }

  described(found: Group | undefined, groupId: string): DescribedConsumerGroup {
    if (found instanceof ConsumerGroup)
      return describedConsumerGroup(found, this.#environment.assignors, this.#environment.topics());
    const message = found === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`;
    return noConsumerGroup(groupId, message);
  }

  /** The group after the record; null when it is no more, or was none and is none. */
  replay(found: Group | undefined, record: ConsumerGroupRecord): Group | null {
    if (found instanceof ConsumerGroup) return found.replay(record) ? found : null;
    // Kafka's tombstones of a kind of group may follow the first records of the other kind.
    if (record.value === null) return found ?? null;
    const group = new ConsumerGroup(record.key.groupId);
    group.replay(record);
    return group;
  }

  onLoaded(group: Group, decision: Decision, nowMs: number): void {
    if (group instanceof ClassicGroup) this.#shareAnew(group, decision, nowMs);
    if (!(group instanceof ConsumerGroup)) return;
    for (const member of group.members.values()) resumeTimers(group, member, this.#environment.settings, decision);
  }

  onTimer(kind: string, group: Group | undefined, memberId: string, decision: Decision, nowMs: number): void {
    if (group instanceof ClassicGroup && kind === DOWNGRADED_TIMER) this.#shareAnew(group, decision, nowMs);
    const member = group instanceof ConsumerGroup ? group.members.get(memberId) : undefined;
    if (!(group instanceof ConsumerGroup) || member === undefined || !endsMembership(kind, member)) return;
    this.#environment.logger.info(
      `[GroupId ${group.groupId}] Member ${memberId} fenced from the group because its ${kind} timer is over.`,
    );
    this.#migration.remove(group, [member], decision, nowMs);
  }

  #shareAnew(group: ClassicGroup, decision: Decision, nowMs: number): void {
    if (!group.isLeaderless || !group.canRebalance) return;
    const reason = `Downgrade group ${group.groupId} from consumer to classic.`;
    this.#rebalance.prepare(group, reason, decision, nowMs);
  }
}
