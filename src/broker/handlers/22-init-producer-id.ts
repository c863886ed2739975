/**
 * InitProducerId v0-5: an id for a producer that wants its records written exactly once.
 *
 * Behaviour: without a transactional id every request gets a new id with epoch 0, also one that names an id it has,
 * as in Kafka. COORDINATOR_LOAD_IN_PROGRESS, upon which clients try again, when the controller has no ids to give at
 * the moment. A transactional id is refused with UNSUPPORTED_VERSION, since this broker coordinates no transactions;
 * an empty one is INVALID_REQUEST.
 * Versions: v3 lets a producer name its id and epoch; only both or neither are legal.
 */
import { type ErrorName, Errors } from '../../protocol/errors.ts';
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts';
import type { ResponseOf } from '../../protocol/schema.ts';
import { handler } from '../handler.ts';

const NO_PRODUCER_ID = -1;
const NO_PRODUCER_EPOCH = -1;

export const initProducerId = handler(
  InitProducerId,
  { versions: '0-5', onError: (_request, error) => refuse(error) },
  async ({ broker }, { transactionalId, producerId, producerEpoch }) => {
    if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH)) return refuse('INVALID_REQUEST');
    if (transactionalId !== null) return refuse(transactionalId === '' ? 'INVALID_REQUEST' : 'UNSUPPORTED_VERSION');
    return { errorCode: Errors.NONE, producerId: await broker.producerIds.next(), producerEpoch: 0 };
  },
);

function refuse(error: ErrorName): ResponseOf<typeof InitProducerId> {
  return { errorCode: Errors[error], producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH };
}
