/** Regular expressions that take their time: one that never ends is refused, and for many nobody else has to wait. */
import { describe, expect, it } from 'vitest';
import type { TopicsView } from '../../../src/group/group-settings.ts';
import { TopicRegexes } from '../../../src/group/topic-regexes.ts';
import type { ErrorName } from '../../../src/protocol/errors.ts';
import { errorName } from '../../../src/protocol/errors.ts';
import type { GroupRecord } from '../../../src/protocol/internal/group-record.ts';
import { consumerHeartbeatRequest, memberContext } from '../../support/group-requests.ts';
import { GroupStage } from '../../support/group-stage.ts';

/** Takes as long for each topic as the expression is told to take. */
class SlowRegexes extends TopicRegexes {
  static readonly limitMs = 250;
  readonly costs = new Map<string, number>();
  readonly resolved: string[] = [];
  elapsedMs = 0;

  constructor() {
    super(() => this.elapsedMs);
  }

  override resolve(regex: string, topicNames: Iterable<string>): ReadonlySet<string> | null {
    this.resolved.push(regex);
    const costMs = this.costs.get(regex) ?? 0;
    this.elapsedMs += costMs;
    return costMs > SlowRegexes.limitMs ? null : super.resolve(regex, topicNames);
  }
}

function aCluster() {
  const names = ['orders'];
  const regexes = new SlowRegexes();
  const topics: TopicsView = {
    topicId: (topic) => (names.includes(topic) ? topic.padEnd(22, 'A') : undefined),
    topicName: (topicId) => topicId.replace(/A+$/, ''),
    partitionCount: (topic) => (names.includes(topic) ? 1 : 0),
    topicNames: () => names,
  };
  const matches = new Map<string, readonly string[]>();
  const onAppended = ({ kind, key, value }: GroupRecord): void => {
    if (kind === 'consumerGroupRegularExpression' && value !== null) matches.set(key.regularExpression, value.topics);
  };
  let answer: { errorCode: number } = { errorCode: -1 };
  const stage = new GroupStage({
    topics: () => topics,
    regexes,
    onAppended,
    onAnswered: (_, response) => {
      answer = response as typeof answer;
    },
  });
  const heartbeat = (fields: Parameters<typeof consumerHeartbeatRequest>[0]): ErrorName => {
    stage.ask((shard, ticket, nowMs) =>
      shard.consumerGroupHeartbeat(memberContext(1), consumerHeartbeatRequest(fields), ticket, nowMs),
    );
    return errorName(answer.errorCode);
  };
  const join = (memberId: string, subscribedTopicRegex: string): ErrorName =>
    heartbeat({ memberId, rebalanceTimeoutMs: 1000, subscribedTopicRegex, topicPartitions: [] });
  const makeTopic = (topic: string): void => {
    names.push(topic);
    stage.carryOut(stage.shard.onTopicsChanged([topic], stage.nowMs));
  };
  return { stage, regexes, matches, heartbeat, join, makeTopic };
}

describe('a slow regular expression', () => {
  it('is refused, and the group is as it was', () => {
    const { stage, regexes, join } = aCluster();
    regexes.costs.set('(a?b?)*', 300);
    expect(join('m', '(a?b?)*')).toBe('INVALID_REGULAR_EXPRESSION');
    expect(stage.log).toEqual([]);
  });

  it('keeps what it matched when it has become slow later', () => {
    const { stage, regexes, matches, heartbeat, join, makeTopic } = aCluster();
    join('m', 'orders.*');
    regexes.costs.set('orders.*', 300);
    makeTopic('orders-eu');
    stage.advance(10_000);
    expect(heartbeat({ memberId: 'm', memberEpoch: 1 })).toBe('NONE');
    expect(matches.get('orders.*')).toEqual(['orders']);
  });

  it('is one of many that are looked at with one heartbeat after the other', () => {
    const { stage, regexes, matches, heartbeat, join, makeTopic } = aCluster();
    const all = ['o.*', 'or.*', 'ord.*', 'orde.*'];
    for (const [index, regex] of all.entries()) join(`m${index}`, regex);
    for (const regex of all) regexes.costs.set(regex, 200);
    makeTopic('orders-eu');
    stage.advance(10_000);
    regexes.resolved.length = 0;
    const firstEpoch = 1;
    expect(heartbeat({ memberId: 'm0', memberEpoch: firstEpoch })).toBe('NONE');
    expect(regexes.resolved).toHaveLength(2);
    heartbeat({ memberId: 'm0', memberEpoch: 5 });
    expect(regexes.resolved.toSorted()).toEqual(all);
    for (const regex of all) expect(matches.get(regex)).toEqual(['orders', 'orders-eu']);
    heartbeat({ memberId: 'm0', memberEpoch: 6 });
    expect(regexes.resolved).toHaveLength(all.length);
  });
});

describe('the clock set back by a day', () => {
  it('lets a group find new topics all the same', () => {
    const { stage, matches, heartbeat, join, makeTopic } = aCluster();
    stage.nowMs = 100_000_000;
    join('m', 'orders.*');
    stage.nowMs = 0;
    makeTopic('orders-eu');
    heartbeat({ memberId: 'm', memberEpoch: 1 });
    expect(matches.get('orders.*')).toEqual(['orders', 'orders-eu']);
  });
});
