/**
 * DeleteGroups v0-2: deletes groups that have no members, with their offsets.
 *
 * Behaviour: each group is answered for itself when its deletion is committed: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND,
 * NOT_COORDINATOR when it lives on another broker.
 */
import { Errors } from '../../protocol/errors.ts';
import { DeleteGroups } from '../../protocol/messages/42-delete-groups.ts';
import { handler } from '../handler.ts';

export const deleteGroups = handler(
  DeleteGroups,
  {
    versions: '0-2',
    onError: ({ groupsNames }, error) => ({
      results: groupsNames.map((groupId) => ({ groupId, errorCode: Errors[error] })),
    }),
  },
  async ({ broker }, request) => {
    const groupIds = [...new Set(request.groupsNames)];
    return { results: await Promise.all(groupIds.map((groupId) => broker.groups.deleteGroup(groupId))) };
  },
);
