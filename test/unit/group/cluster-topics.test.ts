/** The topics of the cluster as groups see them: how many partitions, and which are gone. */
import { expect, it } from 'vitest';
import { ClusterTopics, deletedTopics } from '../../../src/group/cluster-topics.ts';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';

function cluster(ids: Readonly<Record<string, string>>): ClusterTopics {
  const topics = new Map(
    Object.entries(ids).map(([name, topicId]) => [name, { topicId, partitions: new Map([[0, {}]]) }]),
  );
  return new ClusterTopics({ topics, topicNameById: new Map() });
}

const [ONE, OTHER] = [`${'A'.repeat(21)}Q`, `${'A'.repeat(21)}g`];

it.each([
  ['stays', { t: ONE }, { t: ONE }, []],
  ['is new', {}, { t: ONE }, []],
  ['is deleted', { t: ONE }, {}, ['t']],
  ['is made again under the same name', { t: ONE }, { t: OTHER }, ['t']],
  ['gets the id that it never had', { t: ZERO_TOPIC_ID }, { t: ONE }, []],
  ['had no id and is deleted', { t: ZERO_TOPIC_ID }, {}, ['t']],
] as const)('a topic that %s', (_, former, now, gone) => {
  expect(deletedTopics(cluster(former), cluster(now), ['t'])).toEqual(gone);
});

it('counts partitions that have no leader yet, as far as it can know of them', () => {
  const partitions = new Map([0, 1, 4].map((index) => [index, {}]));
  const topics = new Map([['t', { topicId: ONE, partitions }]]);
  const some = new ClusterTopics({ topics, topicNameById: new Map() });
  expect([some.partitionCount('t'), some.hasGaps('t')]).toEqual([5, true]);
  expect([some.partitionCount('u'), some.hasGaps('u')]).toEqual([0, false]);
  const whole = cluster({ t: ONE });
  expect([whole.partitionCount('t'), whole.hasGaps('t')]).toEqual([1, false]);
});
