/**
 * LeaderAndIsr v7: the controller says which replicas of this broker lead and which follow.
 *
 * Behaviour: refused as a whole with STALE_BROKER_EPOCH when it was meant for an earlier incarnation of this broker,
 * and with STALE_CONTROLLER_EPOCH when a newer controller has spoken; requests are carried out one at a time. For a
 * partition: an older leader epoch is STALE_CONTROLLER_EPOCH, another topic id INCONSISTENT_TOPIC_ID, a failed disk
 * KAFKA_STORAGE_ERROR. Unlike Kafka, the same leader epoch with a newer partition epoch refreshes ISR and replicas. A
 * FULL request puts aside what it does not name.
 */
import { LeaderAndIsr } from '../../protocol/messages/04-leader-and-isr.ts';
import { obey } from '../controller-order.ts';
import { handler } from '../handler.ts';

export const leaderAndIsr = handler(LeaderAndIsr, { versions: '7' }, ({ broker }, request) =>
  obey(broker, () => broker.replicas.applyLeaderAndIsr(request)),
);
