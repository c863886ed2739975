/**
 * @pure AllocateProducerIds: a broker asks the controller for a block of producer ids (KIP-730).
 */
import { defineApi, errorCode, int32, int64 } from '../schema.ts';

export const AllocateProducerIds = defineApi({
  key: 67,
  name: 'AllocateProducerIds',
  validVersions: '0',
  flexibleVersions: '0+',
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: errorCode(),
    producerIdStart: int64(),
    producerIdLen: int32(),
  },
});
