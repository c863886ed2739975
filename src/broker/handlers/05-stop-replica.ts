/**
 * StopReplica v4: the controller says which replicas this broker shall stop, and which of them to delete.
 *
 * Behaviour: epochs of broker and controller are checked as in LeaderAndIsr. For a partition: an older leader epoch
 * than ours is FENCED_LEADER_EPOCH, unless it is that of a topic's deletion (-2) or unknown (-1). Stopping what is
 * not here succeeds.
 */
import { StopReplica } from '../../protocol/messages/05-stop-replica.ts';
import { obey } from '../controller-order.ts';
import { handler } from '../handler.ts';

export const stopReplica = handler(StopReplica, { versions: '4' }, ({ broker }, request) =>
  obey(broker, () => broker.replicas.applyStopReplica(request)),
);
