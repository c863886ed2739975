/**
 * ConsumerGroupHeartbeat v0-1: the one request of a member of the consumer protocol (KIP-848): it joins, stays, leaves,
 * and learns its partitions.
 *
 * Behaviour: answered when what it changed is committed. Only with `consumer` among
 * group.coordinator.rebalance.protocols.
 * Versions: v1 has regular expressions, and leaves it to the member to make its id (KIP-1082).
 */
import { ConsumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts';
import { handler } from '../handler.ts';
import { memberContext } from '../member-context.ts';

export const consumerGroupHeartbeat = handler(ConsumerGroupHeartbeat, { versions: '0-1' }, (context, request) =>
  context.broker.groups.consumerGroupHeartbeat(memberContext(context), request),
);
