/**
 * OffsetDelete v0: forgets committed offsets of a group (KIP-496).
 *
 * Behaviour: GROUP_SUBSCRIBED_TO_TOPIC for topics that the group's members read. Partitions that this broker's
 * metadata does not know are UNKNOWN_TOPIC_OR_PARTITION. An error of the group is the whole response's.
 */
import { Errors } from '../../protocol/errors.ts';
import { OffsetDelete } from '../../protocol/messages/47-offset-delete.ts';
import { handler } from '../handler.ts';
import { joinTopics, partTopics } from '../known-partitions.ts';
import { memberContext } from '../member-context.ts';

export const offsetDelete = handler(OffsetDelete, { versions: '0' }, async (context, request) => {
  const { broker } = context;
  const { known, unknown } = partTopics(request.topics, broker.metadata);
  const response = await broker.groups.deleteOffsets(memberContext(context), { ...request, topics: known });
  if (response.errorCode !== Errors.NONE) return { errorCode: response.errorCode, topics: [] };
  return { errorCode: Errors.NONE, topics: joinTopics(unknown, response.topics) };
});
