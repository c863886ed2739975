/**
 * OffsetCommit v0-9: stores how far a group has read.
 *
 * Behaviour: answered when the offsets are committed in __consumer_offsets. Partitions that this broker's metadata
 * does not know are UNKNOWN_TOPIC_OR_PARTITION, the others are stored all or none.
 * Versions: v0 stores them in ZooKeeper, where consumers of before 0.9 look for them, whatever broker is asked.
 */
import { Errors } from '../../protocol/errors.ts';
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import { handler, type RequestContext } from '../handler.ts';
import { joinTopics, partTopics } from '../known-partitions.ts';
import { memberContext } from '../member-context.ts';

type CommittedTopic = RequestOf<typeof OffsetCommit>['topics'][number];
type AnsweredTopic = ResponseOf<typeof OffsetCommit>['topics'][number];

const FIRST_VERSION_WITH_COORDINATOR = 1;

export const offsetCommit = handler(OffsetCommit, { versions: '0-9' }, async (context, request) => {
  const { broker, version } = context;
  const { known, unknown } = partTopics(request.topics, broker.metadata);
  if (known.length === 0) return { topics: unknown };
  if (version < FIRST_VERSION_WITH_COORDINATOR) {
    const stored = await Promise.all(known.map((topic) => storeInZooKeeper(context, request.groupId, topic)));
    return { topics: joinTopics(unknown, stored) };
  }
  const { topics } = await broker.groups.commitOffsets(memberContext(context), { ...request, topics: known });
  return { topics: joinTopics(unknown, topics) };
});

async function storeInZooKeeper(
  { broker }: RequestContext,
  groupId: string,
  { name, partitions }: CommittedTopic,
): Promise<AnsweredTopic> {
  const stored = partitions.map(async ({ partitionIndex, committedOffset, committedMetadata }) => {
    const isTooLarge = (committedMetadata?.length ?? 0) > broker.config.offsetMetadataMaxBytes;
    const error = isTooLarge
      ? 'OFFSET_METADATA_TOO_LARGE'
      : await broker.zooKeeperOffsets.write(groupId, name, partitionIndex, committedOffset);
    return { partitionIndex, errorCode: Errors[error] };
  });
  return { name, partitions: await Promise.all(stored) };
}
