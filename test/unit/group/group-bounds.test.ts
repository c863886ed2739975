/** What clients can send to groups that no good client would: too much, too long, twice, and bytes that change. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ticket } from '../../../src/coordinator/shard.ts';
import { MAX_MEMBER_BYTES } from '../../../src/group/member-bytes.ts';
import { MAX_PENDING_MEMBERS } from '../../../src/group/pending-members.ts';
import { parseTimerKey, timerKey } from '../../../src/group/timer-key.ts';
import { errorName } from '../../../src/protocol/errors.ts';
import { JoinGroup } from '../../../src/protocol/messages/11-join-group.ts';
import { Reader } from '../../../src/protocol/reader.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import {
  commitRequest,
  consumerHeartbeatRequest,
  joinRequest,
  leaveRequest,
  memberContext,
  subscription,
  syncRequest,
} from '../../support/group-requests.ts';
import { type GroupSettings, GroupStage } from '../../support/group-stage.ts';

interface Answer {
  readonly errorCode: number;
  readonly memberId: string;
  readonly members?: readonly { readonly memberMetadata: Buffer }[];
  readonly topics?: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[];
}

function newStage(settings: Partial<GroupSettings> = {}) {
  const answers = new Map<Ticket, Answer>();
  const stage = new GroupStage({ settings, onAnswered: (ticket, response) => answers.set(ticket, response as Answer) });
  const join = (fields: Parameters<typeof joinRequest>[0], version = 9, clientId = 'c'): Ticket =>
    stage.ask((shard, ticket, nowMs) =>
      shard.joinGroup(memberContext(version, clientId), joinRequest(fields), ticket, nowMs),
    );
  const commit = (topics: ReturnType<typeof commitRequest>['topics'], groupId = 'g'): Ticket =>
    stage.ask((shard, ticket, nowMs) =>
      shard.commitOffsets(memberContext(9), commitRequest({ groupId, topics }), ticket, nowMs),
    );
  const errorOf = (ticket: Ticket): string => errorName(answers.get(ticket)?.errorCode ?? -1);
  return { stage, answers, join, commit, errorOf };
}

function partition(partitionIndex: number, committedMetadata: string | null = null) {
  return { partitionIndex, committedOffset: 1, committedLeaderEpoch: -1, commitTimestamp: -1, committedMetadata };
}

describe('a group that is asked too much', () => {
  it('gives out no more member ids than it can remember, and the oldest are the ones that are forgotten', () => {
    const { stage, answers, join, errorOf } = newStage();
    const first = join({});
    const extra = 500;
    for (let asked = 1; asked < MAX_PENDING_MEMBERS + extra; asked++) join({ groupId: `g${asked % 7}` });
    expect(stage.timers().size).toBe(MAX_PENDING_MEMBERS);
    const [group] = [...stage.shard.groupCounts().values()];
    expect(group).toBe(7);
    expect(errorOf(join({ memberId: answers.get(first)?.memberId ?? '' }))).toBe('UNKNOWN_MEMBER_ID');
  });

  it('keeps only so much of what members say about themselves', () => {
    const { stage, join, errorOf } = newStage();
    const metadata = Buffer.alloc(MAX_MEMBER_BYTES / 2 - 100);
    const large = { protocols: [{ name: 'range', metadata }] };
    const first = join({ ...large, groupId: 'one' }, 3);
    const second = join({ ...large, groupId: 'two' }, 3);
    const third = join({ ...large, groupId: 'three' }, 3);
    expect(errorOf(third)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(stage.shard.groupCounts().get('Classic Empty')).toBeUndefined();
    stage.advance(0);
    expect([errorOf(first), errorOf(second)]).toEqual(['NONE', 'NONE']);
    // They never sync, so they are gone, and there is room again.
    stage.advance(60_000);
    const later = join({ ...large, groupId: 'three' }, 3);
    stage.advance(0);
    expect(errorOf(later)).toBe('NONE');
  });

  it('refuses names that no record could hold', () => {
    const { stage, answers, join, commit, errorOf } = newStage({ offsetMetadataMaxBytes: 1_000_000 });
    const long = 'x'.repeat(32_768);
    expect(errorOf(join({ groupId: long }))).toBe('INVALID_GROUP_ID');
    expect(errorOf(join({ memberId: long }))).toBe('INVALID_REQUEST');
    expect(errorOf(join({ groupInstanceId: long }))).toBe('INVALID_REQUEST');
    expect(errorOf(join({ protocolType: long }))).toBe('INVALID_REQUEST');
    expect(errorOf(join({ protocols: [{ name: long, metadata: Buffer.alloc(0) }] }))).toBe('INVALID_REQUEST');
    const partitionError = (ticket: Ticket) =>
      errorName(answers.get(ticket)?.topics?.[0]?.partitions[0]?.errorCode ?? -1);
    expect(partitionError(commit([{ name: 't', partitions: [partition(0)] }], long))).toBe('INVALID_GROUP_ID');
    expect(partitionError(commit([{ name: long, partitions: [partition(0)] }]))).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const wide = '\u20ac'.repeat(11_000);
    expect(partitionError(commit([{ name: 't', partitions: [partition(0, wide)] }]))).toBe('OFFSET_METADATA_TOO_LARGE');
    expect(stage.log).toEqual([]);
  });

  it('makes short member ids of long names, and whole ones', () => {
    const { answers, join } = newStage();
    const long = answers.get(join({}, 9, 'x'.repeat(32_767)))?.memberId ?? '';
    expect(long).toBe(`${'x'.repeat(255)}-1`);
    const cut = answers.get(join({}, 9, `${'x'.repeat(254)}\u{1f600}`))?.memberId ?? '';
    expect(Buffer.from(cut).toString()).toBe(cut);
  });

  it('does so too in a group of the consumer protocol, whichever protocol the member speaks', () => {
    const { stage, answers, join } = newStage();
    const clientId = `${'x'.repeat(254)}\u{1f600}`;
    const all = { rebalanceTimeoutMs: 1000, subscribedTopicNames: ['t'], topicPartitions: [] };
    const modern = stage.ask((shard, ticket, nowMs) =>
      shard.consumerGroupHeartbeat(memberContext(0, clientId), consumerHeartbeatRequest(all), ticket, nowMs),
    );
    for (const ticket of [modern, join({}, 3, clientId)]) {
      const { memberId } = answers.get(ticket) ?? { memberId: '' };
      expect(memberId).toMatch(/^x{254}/);
      expect(Buffer.from(memberId).toString()).toBe(memberId);
    }
  });

  it('takes a protocol that is named twice for one', () => {
    const { stage, join, errorOf } = newStage();
    const metadata = subscription(['t']);
    const first = join({ protocols: ['a', 'a', 'b'].map((name) => ({ name, metadata })) }, 3);
    const second = join({ protocols: ['b', 'b', 'b'].map((name) => ({ name, metadata })) }, 3);
    stage.advance(0);
    expect([errorOf(first), errorOf(second)]).toEqual(['NONE', 'NONE']);
  });
});

describe('a group', () => {
  it('keeps what a member said when the memory of its request is used again', () => {
    const { stage, answers, join } = newStage();
    const writer = new Writer();
    const said = subscription(['orders']);
    JoinGroup.requestCodec(3).write(writer, joinRequest({ protocols: [{ name: 'range', metadata: said }] }));
    const frame = Buffer.from(writer.finish());
    join(JoinGroup.requestCodec(3).read(new Reader(frame)), 3);
    stage.advance(0);
    frame.fill(0xff);
    stage.ask((shard, ticket, nowMs) =>
      shard.syncGroup(memberContext(5), syncRequest({ memberId: 'c-1', generationId: 1 }), ticket, nowMs),
    );
    const described = stage.ask((shard, ticket, nowMs) => shard.describeGroup(memberContext(5), 'g', ticket, nowMs));
    expect(answers.get(described)?.members?.[0]?.memberMetadata).toEqual(said);
  });

  it('with very many offsets is deleted in slices, and answers after the last', () => {
    const { stage, commit, errorOf } = newStage();
    const many = 20_000;
    const name = 'a-topic-with-a-rather-long-name-as-they-are-in-the-wild';
    commit([{ name, partitions: Array.from({ length: many }, (_, index) => partition(index)) }]);
    const deletion = stage.ask((shard, ticket, nowMs) => shard.deleteGroup('g', ticket, nowMs));
    expect(stage.open.has(deletion)).toBe(true);
    expect(stage.log.length).toBeLessThan(many + many / 2);
    // Between two slices somebody commits: that goes, too, because the whole group does.
    commit([{ name, partitions: [partition(0)] }]);
    stage.advance(0);
    expect(errorOf(deletion)).toBe('NONE');
    expect(stage.log.length).toBe(2 * many + 3);
    expect([...stage.shard.committedOffsets()]).toEqual([]);
    expect(stage.replayed().groupCounts().size).toBe(0);
  });

  it('that gets members while it is deleted in slices stays', () => {
    const { stage, commit, join, errorOf } = newStage();
    commit([{ name: 't'.repeat(200), partitions: Array.from({ length: 5000 }, (_, index) => partition(index)) }]);
    const deletion = stage.ask((shard, ticket, nowMs) => shard.deleteGroup('g', ticket, nowMs));
    const joined = join({}, 3);
    stage.advance(0);
    expect([errorOf(deletion), errorOf(joined)]).toEqual(['NON_EMPTY_GROUP', 'NONE']);
  });

  it('is told at once that its deletion was refused, in whatever slice', () => {
    const { stage, commit, errorOf } = newStage();
    commit([{ name: 't'.repeat(200), partitions: Array.from({ length: 5000 }, (_, index) => partition(index)) }]);
    const deletion = stage.ask((shard, ticket, nowMs) => shard.deleteGroup('g', ticket, nowMs));
    stage.refusal = 'NOT_COORDINATOR';
    stage.advance(0);
    expect(errorOf(deletion)).toBe('NOT_COORDINATOR');
    expect(stage.timers().size).toBe(0);
    expect(stage.shard.groupCounts().get('Classic Empty')).toBe(1);
  });

  it('that a hundred leave at once is empty by one record', () => {
    const { stage, join } = newStage();
    for (let index = 0; index < 100; index++) join({}, 3);
    stage.advance(0);
    const members = Array.from({ length: 100 }, (_, index) => ({
      memberId: `c-${index + 1}`,
      groupInstanceId: null,
      reason: null,
    }));
    stage.ask((shard, ticket, nowMs) => shard.leaveGroup(memberContext(5), leaveRequest({ members }), ticket, nowMs));
    expect(stage.log.length).toBe(1);
    expect(stage.timers().size).toBe(0);
  });
});

describe('the name of a timer', () => {
  it('can be taken apart, whatever the ids are', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (groupId, memberId) => {
        expect(parseTimerKey(timerKey('kind', groupId, memberId))).toEqual({ kind: 'kind', groupId, memberId });
      }),
    );
  });
});
