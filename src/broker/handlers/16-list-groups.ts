/**
 * ListGroups v0-5: the groups that this broker coordinates; clients ask every broker.
 *
 * Behaviour: COORDINATOR_LOAD_IN_PROGRESS while some of its groups are loaded, so that none is missed.
 * Versions: v4 filters by state (KIP-518), v5 by type (KIP-848).
 */
import { ListGroups } from '../../protocol/messages/16-list-groups.ts';
import { handler } from '../handler.ts';

export const listGroups = handler(ListGroups, { versions: '0-5' }, ({ broker }, request) =>
  broker.groups.listGroups(request),
);
