/** Which topics are gone, so that what groups have committed of them goes, too. */
import { expect, it } from 'vitest';
import { ClusterTopics, deletedTopics } from '../../../src/group/cluster-topics.ts';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';

function cluster(ids: Readonly<Record<string, string>>): ClusterTopics {
  const topics = new Map(Object.entries(ids).map(([name, topicId]) => [name, { topicId, partitions: { size: 1 } }]));
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
