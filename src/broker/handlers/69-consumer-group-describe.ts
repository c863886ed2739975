/**
 * ConsumerGroupDescribe v0-1: epochs, members and assignments of groups of the consumer protocol (KIP-848).
 *
 * Behaviour: each group is answered once and for itself; GROUP_ID_NOT_FOUND also for one of the classic protocol,
 * NOT_COORDINATOR when it lives on another broker. Only with `consumer` among group.coordinator.rebalance.protocols.
 * Versions: v1 tells which members still speak the classic protocol.
 */
import { Errors } from '../../protocol/errors.ts';
import { ConsumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts';
import { ALL_GROUP_OPERATIONS } from '../authorized-operations.ts';
import { handler } from '../handler.ts';
import { memberContext } from '../member-context.ts';

export const consumerGroupDescribe = handler(
  ConsumerGroupDescribe,
  { versions: '0-1' },
  async (context, { groupIds, includeAuthorizedOperations }) => {
    const { groups } = context.broker;
    const asker = memberContext(context);
    const described = await Promise.all(
      [...new Set(groupIds)].map((groupId) => groups.describeConsumerGroup(asker, groupId)),
    );
    if (!includeAuthorizedOperations) return { groups: described };
    return {
      groups: described.map((group) =>
        group.errorCode === Errors.NONE ? { ...group, authorizedOperations: ALL_GROUP_OPERATIONS } : group,
      ),
    };
  },
);
