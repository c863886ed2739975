/**
 * DescribeGroups v0-5: state and members of groups.
 *
 * Behaviour: each group is answered once and for itself; NOT_COORDINATOR when it lives on another broker, and a group
 * that does not exist is Dead. Versions: v3 tells what the client may do with a group (KIP-430).
 */
import { Errors } from '../../protocol/errors.ts';
import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts';
import { ALL_GROUP_OPERATIONS } from '../authorized-operations.ts';
import { handler } from '../handler.ts';
import { memberContext } from '../member-context.ts';

export const describeGroups = handler(DescribeGroups, { versions: '0-5' }, async (context, request) => {
  const { groups } = context.broker;
  const asker = memberContext(context);
  const groupIds = [...new Set(request.groups)];
  const described = await Promise.all(groupIds.map((groupId) => groups.describeGroup(asker, groupId)));
  if (!request.includeAuthorizedOperations) return { groups: described };
  return {
    groups: described.map((group) =>
      group.errorCode === Errors.NONE ? { ...group, authorizedOperations: ALL_GROUP_OPERATIONS } : group,
    ),
  };
});
