/**
 * The coordinator of one group with one member, scripted on a broker: deals out everything to whoever joins, keeps the
 * offsets, and fails as it is told.
 */
import { Errors } from '../../src/protocol/errors.ts';
import { ConsumerProtocolSubscription } from '../../src/protocol/internal/consumer-protocol.ts';
import {
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '../../src/protocol/messages/index.ts';
import type { ScriptedBroker } from './scripted-broker.ts';

interface GroupOptions {
  /** What the broker speaks at most, for all APIs of groups; each has the newest it knows when left out. */
  readonly maxVersion?: number;
}

export class MemoryGroup {
  /** `topic/partition` → offset. */
  readonly offsets = new Map<string, number>();
  /** What happened, in order. */
  readonly events: string[] = [];
  /** Errors for the next requests of that kind. */
  readonly failures = new Map<'join' | 'sync' | 'heartbeat' | 'commit' | 'fetch' | 'find', number[]>();
  /** A join is not answered while this is set. */
  isJoinBlocked = false;
  /** What commits wait for before they are made. */
  beforeCommit: Promise<void> = Promise.resolve();
  #memberId = '';
  #memberCount = 0;
  #generationId = 0;

  constructor(broker: ScriptedBroker, { maxVersion }: GroupOptions = {}) {
    const newest = (api: { highestVersion: number }): number => Math.min(maxVersion ?? 99, api.highestVersion);
    const here = () => ({ nodeId: 1, host: '127.0.0.1', port: broker.port });
    broker
      .on(
        FindCoordinator,
        ({ coordinatorKeys }, version) => {
          const errorCode = this.#failure('find');
          if (version < 4) return { errorCode, ...here() };
          const coordinators = coordinatorKeys.map((key) => ({ key, ...here(), errorCode, errorMessage: null }));
          return { errorCode: 0, nodeId: 0, host: '', port: 0, coordinators };
        },
        newest(FindCoordinator),
      )
      .on(JoinGroup, (request, version) => this.#join(request, version), newest(JoinGroup))
      .on(SyncGroup, ({ assignments }) => this.#sync(assignments), newest(SyncGroup))
      .on(Heartbeat, ({ generationId }) => this.#heartbeat(generationId), newest(Heartbeat))
      .on(OffsetFetch, (request, version) => this.#fetch(request, version), newest(OffsetFetch))
      .on(OffsetCommit, (request) => this.beforeCommit.then(() => this.#commit(request)), newest(OffsetCommit))
      .on(LeaveGroup, ({ memberId, members }) => this.#leave(members[0]?.memberId ?? memberId), newest(LeaveGroup));
  }

  fail(what: 'join' | 'sync' | 'heartbeat' | 'commit' | 'fetch' | 'find', ...errorCodes: number[]): void {
    this.failures.set(what, errorCodes);
  }

  #failure(what: Parameters<MemoryGroup['fail']>[0]): number {
    return this.failures.get(what)?.shift() ?? Errors.NONE;
  }

  #join(
    {
      memberId,
      groupInstanceId,
      protocols,
    }: {
      memberId: string;
      groupInstanceId: string | null;
      protocols: readonly { name: string; metadata: Buffer }[];
    },
    version: number,
  ) {
    const nobody = { generationId: -1, protocolName: '', leader: '', members: [] };
    const errorCode = this.#failure('join');
    if (errorCode !== Errors.NONE) return { ...nobody, errorCode, memberId };
    if (memberId === '') {
      this.#memberId = `member-${++this.#memberCount}`;
      if (version >= 4 && groupInstanceId === null) {
        this.events.push(`named ${this.#memberId}`);
        return { ...nobody, errorCode: Errors.MEMBER_ID_REQUIRED, memberId: this.#memberId };
      }
    }
    if (this.isJoinBlocked) return undefined;
    const [protocol] = protocols;
    const metadata = protocol?.metadata ?? Buffer.alloc(0);
    const { topics } = ConsumerProtocolSubscription.decode(metadata).value;
    const instance = groupInstanceId === null ? '' : ` as ${groupInstanceId}`;
    this.events.push(
      `joined ${this.#memberId}${instance} for ${topics.join()} by ${protocols.map(({ name }) => name)}`,
    );
    this.#generationId++;
    const members = [{ memberId: this.#memberId, groupInstanceId, metadata }];
    return {
      errorCode: 0,
      generationId: this.#generationId,
      protocolType: 'consumer',
      protocolName: protocol?.name ?? '',
      leader: this.#memberId,
      memberId: this.#memberId,
      members: version >= 5 ? members : [{ memberId: this.#memberId, metadata }],
    };
  }

  #sync(assignments: readonly { memberId: string; assignment: Buffer }[]) {
    const errorCode = this.#failure('sync');
    const assignment = errorCode === Errors.NONE ? assignments[0]?.assignment : undefined;
    return {
      errorCode,
      protocolType: 'consumer',
      protocolName: 'range',
      assignment: assignment ?? Buffer.alloc(0),
    };
  }

  #heartbeat(generationId: number) {
    const errorCode = this.#failure('heartbeat');
    return { errorCode: errorCode || (generationId === this.#generationId ? 0 : Errors.ILLEGAL_GENERATION) };
  }

  #fetch(
    {
      groups,
      topics,
    }: {
      groups: readonly {
        groupId: string;
        topics: readonly { name: string; partitionIndexes: readonly number[] }[] | null;
      }[];
      topics: readonly { name: string; partitionIndexes: readonly number[] }[] | null;
    },
    version: number,
  ) {
    const errorCode = this.#failure('fetch');
    const answer = (asked: typeof topics) =>
      (asked ?? []).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => {
          const committedOffset = this.offsets.get(`${name}/${partitionIndex}`) ?? -1;
          return { partitionIndex, committedOffset, metadata: '', errorCode };
        }),
      }));
    if (version < 8) return { topics: answer(topics), errorCode: 0 };
    return {
      topics: [],
      errorCode: 0,
      groups: groups.map(({ groupId, topics: asked }) => ({ groupId, topics: answer(asked) })),
    };
  }

  #commit({
    memberId,
    topics,
  }: {
    memberId: string;
    topics: readonly {
      name: string;
      partitions: readonly { partitionIndex: number; committedOffset: number }[];
    }[];
  }) {
    const errorCode = this.#failure('commit');
    const commits: string[] = [];
    const answer = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, committedOffset }) => {
        commits.push(`${partitionIndex}=${committedOffset}`);
        if (errorCode === Errors.NONE) this.offsets.set(`${name}/${partitionIndex}`, committedOffset);
        return { partitionIndex, errorCode };
      }),
    }));
    if (errorCode === Errors.NONE) this.events.push(`committed ${commits.sort().join(' ')} by ${memberId}`);
    return { topics: answer };
  }

  #leave(memberId: string) {
    this.events.push(`left ${memberId}`);
    return { errorCode: 0 };
  }
}
