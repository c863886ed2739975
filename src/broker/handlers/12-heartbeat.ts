/**
 * Heartbeat v0-4: a member of the classic protocol is alive, and learns whether its group rebalances.
 *
 * Behaviour: answered at once. REBALANCE_IN_PROGRESS sends the member to JoinGroup; while its group is loaded it is
 * told that all is well.
 */
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts';
import { handler } from '../handler.ts';
import { memberContext } from '../member-context.ts';

export const heartbeat = handler(Heartbeat, { versions: '0-4' }, (context, request) =>
  context.broker.groups.heartbeat(memberContext(context), request),
);
