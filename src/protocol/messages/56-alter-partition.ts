/**
 * @pure AlterPartition: a leader proposes an ISR to the controller (KIP-497).
 *
 * v1 adds leaderRecoveryState (KIP-704). v2 has topic ids instead of names, and refuses ineligible replicas
 * (KIP-841). v3 carries the broker epoch of each replica (KIP-903).
 */
import { array, defineApi, errorCode, int32, int64, int8, string, uuid } from '../schema.ts';

export const AlterPartition = defineApi({
  key: 56,
  name: 'AlterPartition',
  validVersions: '0-3',
  flexibleVersions: '0+',
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    topics: array({
      topicName: string({ versions: '0-1', ignorable: true }),
      topicId: uuid({ versions: '2+', ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), { versions: '0-2' }),
        newIsrWithEpochs: array(
          {
            brokerId: int32(),
            brokerEpoch: int64({ default: -1 }),
          },
          { versions: '3+' },
        ),
        leaderRecoveryState: int8({ versions: '1+', default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: errorCode(),
    topics: array({
      topicName: string({ versions: '0-1', ignorable: true }),
      topicId: uuid({ versions: '2+', ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        leaderRecoveryState: int8({ versions: '1+', default: 0, ignorable: true }),
        partitionEpoch: int32(),
      }),
    }),
  },
});
