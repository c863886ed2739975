/**
 * @pure ControlledShutdown: a broker that wants to stop asks the controller to move its leaderships away.
 *
 * v0 has a request header without clientId. v2 adds brokerEpoch (KIP-380). v3 is flexible.
 */
import { array, defineApi, errorCode, int32, int64, string } from '../schema.ts';

export const ControlledShutdown = defineApi({
  key: 7,
  name: 'ControlledShutdown',
  validVersions: '0-3',
  flexibleVersions: '3+',
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ versions: '2+', default: -1, ignorable: true }),
  },
  response: {
    errorCode: errorCode(),
    remainingPartitions: array({
      topicName: string(),
      partitionIndex: int32(),
    }),
  },
});
