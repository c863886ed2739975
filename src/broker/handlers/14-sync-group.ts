/**
 * SyncGroup v0-5: the leader of a classic group hands in the assignment, and every member gets its part.
 *
 * Behaviour: a member that asks before the leader waits; all are answered when the assignment is committed.
 * Versions: from v5 the protocol must be named (KIP-559), or it is INCONSISTENT_GROUP_PROTOCOL.
 */
import { Errors } from '../../protocol/errors.ts';
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts';
import { handler } from '../handler.ts';
import { memberContext } from '../member-context.ts';

const FIRST_VERSION_WITH_PROTOCOL = 5;

export const syncGroup = handler(SyncGroup, { versions: '0-5' }, (context, request) => {
  const isProtocolMissing = request.protocolType === null || request.protocolName === null;
  if (context.version >= FIRST_VERSION_WITH_PROTOCOL && isProtocolMissing)
    return { errorCode: Errors.INCONSISTENT_GROUP_PROTOCOL, assignment: Buffer.alloc(0) };
  return context.broker.groups.syncGroup(memberContext(context), request);
});
