/**
 * DescribeCluster v0-1: the cluster's id, its brokers and its controller (KIP-700).
 *
 * Behaviour: from this broker's image; each broker with the endpoint of the client's own listener. A controller that
 * is not among those brokers is told as -1.
 * Versions: v1 adds endpointType (KIP-919). Only brokers (1) exist here: an asker for controllers gets
 * MISMATCHED_ENDPOINT_TYPE, in v0 INVALID_REQUEST.
 */
import { endpointOf } from '../../model/broker.ts';
import { Errors } from '../../protocol/errors.ts';
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts';
import { ALL_CLUSTER_OPERATIONS } from '../authorized-operations.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import type { Broker } from '../broker.ts';
import { handler } from '../handler.ts';
import { onceTold } from '../metadata-wait.ts';

type Response = ResponseOf<typeof DescribeCluster>;

const ENDPOINT_TYPES = { BROKER: 1, CONTROLLER: 2 } as const;

export const describeCluster = handler(
  DescribeCluster,
  { versions: '0-1' },
  ({ broker, connection, version }, request) => {
    const { endpointType } = request;
    if (endpointType !== ENDPOINT_TYPES.BROKER) {
      const isController = endpointType === ENDPOINT_TYPES.CONTROLLER;
      const error = isController ? Errors.MISMATCHED_ENDPOINT_TYPE : Errors.UNSUPPORTED_ENDPOINT_TYPE;
      return {
        errorCode: version === 0 ? Errors.INVALID_REQUEST : error,
        errorMessage: isController
          ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
          : `Unsupported endpoint type ${endpointType}`,
        clusterId: '',
        brokers: [],
      };
    }
    return onceTold(broker.metadata, broker.clock, () => describe(broker, connection.listenerName, request));
  },
);

function describe(broker: Broker, listenerName: string, request: RequestOf<typeof DescribeCluster>): Response {
  const { image } = broker.metadata;
  const brokers = [...image.brokers.values()].flatMap((info) => {
    const endpoint = endpointOf(info, listenerName);
    if (endpoint === undefined) return [];
    return [{ brokerId: info.brokerId, host: endpoint.host, port: endpoint.port, rack: info.rack }];
  });
  return {
    errorCode: Errors.NONE,
    clusterId: broker.clusterId,
    controllerId: brokers.some(({ brokerId }) => brokerId === image.controllerId) ? image.controllerId : -1,
    brokers,
    ...(request.includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: ALL_CLUSTER_OPERATIONS } : {}),
  };
}
