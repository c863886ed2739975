/**
 * ControlledShutdown v3: a broker is about to stop; the controller moves away what it leads.
 *
 * Behaviour: answers the partitions that the broker still leads because nobody else in their ISR is there; the broker
 * asks again some time later, or stops all the same. STALE_BROKER_EPOCH for an earlier incarnation,
 * BROKER_NOT_AVAILABLE for a broker that is not registered. Not the controller: STALE_CONTROLLER_EPOCH, as Kafka in
 * ZooKeeper mode.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { ControlledShutdown } from '../../protocol/messages/07-controlled-shutdown.ts';
import { handler } from '../handler.ts';

export const controlledShutdown = handler(ControlledShutdown, { versions: '3' }, async ({ broker }, request) => {
  try {
    const remaining = await broker.controller.controlledShutdown(request.brokerId, request.brokerEpoch);
    return {
      errorCode: Errors.NONE,
      remainingPartitions: remaining.map(({ topic, partition }) => ({ topicName: topic, partitionIndex: partition })),
    };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const name = error.error === 'NOT_CONTROLLER' ? 'STALE_CONTROLLER_EPOCH' : error.error;
    return { errorCode: Errors[name], remainingPartitions: [] };
  }
});
