/**
 * JoinGroup v0-9: a member of the classic protocol joins its group.
 *
 * Behaviour: answered when all members have joined or the rebalance timeout is over (group/classic-group.ts), during
 * which the connection waits. A broker that does not coordinate the group says NOT_COORDINATOR, one that is still
 * loading it COORDINATOR_LOAD_IN_PROGRESS.
 * Versions: from v4 a new member gets its id first (MEMBER_ID_REQUIRED, KIP-394). The name of the protocol may only be
 * null from v7 on.
 */
import { JoinGroup } from '../../protocol/messages/11-join-group.ts';
import { handler } from '../handler.ts';
import { memberContext } from '../member-context.ts';

const FIRST_VERSION_WITHOUT_PROTOCOL = 7;

export const joinGroup = handler(JoinGroup, { versions: '0-9' }, async (context, request) => {
  const response = await context.broker.groups.joinGroup(memberContext(context), request);
  if (context.version >= FIRST_VERSION_WITHOUT_PROTOCOL || response.protocolName !== null) return response;
  return { ...response, protocolName: '' };
});
