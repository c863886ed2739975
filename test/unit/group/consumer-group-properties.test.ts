/**
 * What a group promises whatever happens: clients of both protocols come, go, freeze, lose answers and change their
 * minds; topics grow and go; coordinators are replaced.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GroupShard } from '../../../src/group/group-shard.ts';
import { decodeGroupRecord } from '../../../src/protocol/internal/group-record.ts';
import { ClassicClient, type Client, ConsumerClient, GroupWorld } from '../../support/group-members.ts';
import { memberContext } from '../../support/group-requests.ts';
import type { GroupSettings } from '../../support/group-stage.ts';

const TOPICS = ['a', 'b', 'c'];
const SUBSCRIPTIONS: readonly (readonly string[])[] = [['a'], ['a', 'b'], ['b', 'c'], ['a', 'b', 'c']];
const REGEXES = ['a|b', '[bc]', '.*'];
const HEARTBEAT_INTERVAL_MS = 3000;
/** Longer than any session. */
const FREEZE_MS = 60_000;

type Event = { readonly what: string; readonly who: number; readonly which: number };

const KINDS = [
  ...['join', 'join', 'classic', 'leave', 'freeze', 'lose', 'step', 'step', 'step', 'round'],
  ...['topic', 'topic', 'reload', 'subscribe', 'subscribe'],
];

function events(kinds: readonly string[]): fc.Arbitrary<Event[]> {
  const event = fc.record({ what: fc.constantFrom(...kinds), who: fc.nat(7), which: fc.nat(11) });
  return fc.array(event, { minLength: 1, maxLength: 60, size: 'max' });
}

class Play {
  readonly world: GroupWorld;
  readonly clients: Client[] = [];
  readonly #isCooperative: boolean;
  #count = 0;

  constructor(isCooperative: boolean, settings: Partial<GroupSettings> = {}) {
    this.#isCooperative = isCooperative;
    this.world = new GroupWorld({ settings });
    this.world.setTopic('a', 3);
    this.world.setTopic('b', 2);
  }

  run({ what, who, which }: Event): void {
    const client = this.clients[who % Math.max(1, this.clients.length)];
    const topics = SUBSCRIPTIONS[which % SUBSCRIPTIONS.length] ?? [];
    if (what === 'join' && this.clients.length < 6)
      this.#start(new ConsumerClient(this.world, `m${this.#count++}`, topics));
    else if (what === 'classic' && this.clients.length < 6)
      this.#start(new ClassicClient(this.world, `c${this.#count++}`, topics, this.#isCooperative));
    else if (what === 'leave') this.#stop(client, (leaving) => leaving.leave());
    else if (what === 'freeze') this.#stop(client, () => this.rounds(Math.ceil(FREEZE_MS / HEARTBEAT_INTERVAL_MS)));
    else if (what === 'step') client?.step();
    else if (what === 'round') this.rounds(1);
    else if (what === 'topic') this.world.setTopic(TOPICS[who % TOPICS.length] ?? 'a', which % 5);
    else if (what === 'reload') this.world.reload();
    else if (client instanceof ConsumerClient) {
      if (what === 'lose') client.losesAnswer = true;
      else client.subscribe(which > 8 ? [] : topics, which > 5 ? (REGEXES[which % REGEXES.length] ?? null) : null);
    }
    this.check();
  }

  /** Everybody has a turn, and time passes. */
  rounds(count: number): void {
    for (let round = 0; round < count; round++) {
      for (const client of [...this.clients]) {
        client.step();
        this.check();
      }
      this.world.stage.advance(HEARTBEAT_INTERVAL_MS);
    }
  }

  check(): void {
    const readers = new Map<string, string>();
    for (const { name, reads } of this.clients)
      for (const partition of reads) {
        expect(readers.get(partition), `${partition} is read by ${name} too`).toBeUndefined();
        readers.set(partition, name);
      }
  }

  /** What everybody reads together. */
  get read(): string[] {
    return this.clients.flatMap(({ reads }) => [...reads]).sort();
  }

  get subscribed(): string[] {
    const { topics } = this.world;
    const names = new Set(
      this.clients.flatMap((client) => [
        ...client.topics,
        ...(client instanceof ConsumerClient ? matched(client) : []),
      ]),
    );
    return [...names]
      .flatMap((name) =>
        Array.from({ length: topics.partitionCount(name) }, (_, partition) => `${topics.topicId(name)}:${partition}`),
      )
      .sort();
  }

  #start(client: Client): void {
    this.clients.push(client);
    client.step();
  }

  #stop(client: Client | undefined, end: (client: Client) => void): void {
    if (client === undefined) return;
    this.clients.splice(this.clients.indexOf(client), 1);
    end(client);
  }
}

function matched({ regex }: ConsumerClient): string[] {
  return regex === null ? [] : TOPICS.filter((topic) => new RegExp(`^(${regex})$`).test(topic));
}

/** The group as its shard describes it; only its kind when that is classic, whose rebalances are in no log. */
function described(shard: GroupShard): unknown {
  const outcomes = [
    shard.consumerGroupDescribe(memberContext(1), 'g', 0, 0),
    shard.listGroups({ statesFilter: [], typesFilter: [] }, 0, 0),
  ];
  const [group, list] = outcomes.map(({ replies = [] }) => replies[0]?.response) as [
    { readonly members: readonly { readonly memberId: string }[] },
    readonly { readonly groupType: string }[],
  ];
  if (list[0]?.groupType !== 'Consumer') return 'no consumer group';
  return { ...group, members: [...group.members].sort((one, other) => (one.memberId < other.memberId ? -1 : 1)) };
}

/** What a coordinator makes of a log of which only the last record of each key is left, and no tombstones. */
function compacted({ stage }: GroupWorld): GroupShard {
  const last = new Map(stage.log.map(({ key }, index) => [key.toString('hex'), index]));
  const shard = stage.newShard();
  for (const [index, { key, value }] of stage.log.entries()) {
    const record = value === null || last.get(key.toString('hex')) !== index ? null : decodeGroupRecord(key, value);
    if (record !== null) shard.replay(record);
  }
  return shard;
}

describe('a group of the consumer protocol', () => {
  it('never lets two members read one partition, and is the same for who reads its log, compacted or not', () => {
    fc.assert(
      fc.property(events(KINDS), fc.boolean(), (happened, isCooperative) => {
        const play = new Play(isCooperative);
        for (const event of happened) {
          play.run(event);
          const live = described(play.world.stage.shard);
          expect(described(play.world.stage.replayed())).toEqual(live);
          expect(described(compacted(play.world))).toEqual(live);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gets stable when nothing happens any more, with everything read that somebody reads', () => {
    fc.assert(
      fc.property(events(KINDS.filter((kind) => kind !== 'classic')), (happened) => {
        const play = new Play(false);
        for (const event of happened) play.run(event);
        // Regular expressions look at new topics every ten seconds; each member may give up and take in turn.
        play.rounds(20);
        expect(play.read).toEqual(play.subscribed);
        const logged = play.world.stage.log.length;
        play.rounds(3);
        expect(play.world.stage.log.length).toBe(logged);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['bidirectional', 'upgrade'] as const)('gets stable with members of both protocols (%s)', (policy) => {
    fc.assert(
      fc.property(events(KINDS.filter((kind) => kind !== 'topic')), fc.boolean(), (happened, isCooperative) => {
        const play = new Play(isCooperative, { groupConsumerMigrationPolicy: policy });
        for (const event of happened) play.run(event);
        play.rounds(40);
        expect(play.read).toEqual(play.subscribed);
        const logged = play.world.stage.log.length;
        play.rounds(3);
        expect(play.world.stage.log.length).toBe(logged);
      }),
      { numRuns: 150 },
    );
  });
});
