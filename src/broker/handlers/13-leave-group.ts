/**
 * LeaveGroup v0-5: members of the classic protocol go.
 *
 * Versions: up to v2 one member, whose error is the response's; from v3 any number, each answered for itself (KIP-345).
 */
import { Errors } from '../../protocol/errors.ts';
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts';
import { handler } from '../handler.ts';
import { memberContext } from '../member-context.ts';

const FIRST_VERSION_WITH_MEMBERS = 3;

export const leaveGroup = handler(LeaveGroup, { versions: '0-5' }, async (context, request) => {
  const isOne = context.version < FIRST_VERSION_WITH_MEMBERS;
  const members = isOne ? [{ memberId: request.memberId, groupInstanceId: null, reason: null }] : request.members;
  const response = await context.broker.groups.leaveGroup(memberContext(context), { ...request, members });
  if (!isOne) return response;
  const failed = response.members?.find(({ errorCode }) => errorCode !== Errors.NONE);
  return { errorCode: response.errorCode === Errors.NONE ? (failed?.errorCode ?? Errors.NONE) : response.errorCode };
});
