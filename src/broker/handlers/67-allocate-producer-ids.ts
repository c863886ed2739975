/**
 * AllocateProducerIds v0: a broker asks for a block of producer ids that nobody had or will have.
 *
 * Behaviour: blocks of 1000, taken from ZooKeeper by compare-and-set. BROKER_ID_NOT_REGISTERED for an unknown broker,
 * STALE_BROKER_EPOCH for an earlier incarnation, NOT_CONTROLLER when this is not the controller.
 */
import { Errors } from '../../protocol/errors.ts';
import { AllocateProducerIds } from '../../protocol/messages/67-allocate-producer-ids.ts';
import { handler } from '../handler.ts';

export const allocateProducerIds = handler(AllocateProducerIds, { versions: '0' }, async ({ broker }, request) => {
  const block = await broker.controller.allocateProducerIds(request.brokerId, request.brokerEpoch);
  return { errorCode: Errors.NONE, producerIdStart: block.firstProducerId, producerIdLen: block.length };
});
