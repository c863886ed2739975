/**
 * @pure InitProducerId gives an idempotent or transactional producer its id and epoch.
 *
 * v2 is flexible. v3 lets a producer keep its id and ask for a new epoch (KIP-360). v4 may answer PRODUCER_FENCED.
 * v5 may answer TRANSACTION_ABORTABLE (KIP-890).
 */
import { defineApi, errorCode, int16, int32, int64, string } from '../schema.ts';

export const InitProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  validVersions: '0-5',
  flexibleVersions: '2+',
  request: {
    transactionalId: string({ nullable: '0+' }),
    transactionTimeoutMs: int32(),
    producerId: int64({ versions: '3+', default: -1 }),
    producerEpoch: int16({ versions: '3+', default: -1 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: errorCode(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
  },
});
