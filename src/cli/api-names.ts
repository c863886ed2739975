/**
 * @pure The APIs that a client of Kafka 3.9 knows, with the versions it can use: what kafka-broker-api-versions
 * compares a broker with. Beyond those that this project declares as messages.
 */
export interface KnownApi {
  readonly key: number;
  readonly name: string;
  readonly oldestVersion: number;
  readonly latestVersion: number;
}

/** Of brokers; those that only KRaft controllers answer are below. */
const BROKER_APIS = [
  [0, 'Produce', 0, 11],
  [1, 'Fetch', 0, 17],
  [2, 'ListOffsets', 0, 9],
  [3, 'Metadata', 0, 12],
  [4, 'LeaderAndIsr', 0, 7],
  [5, 'StopReplica', 0, 4],
  [6, 'UpdateMetadata', 0, 8],
  [7, 'ControlledShutdown', 0, 3],
  [8, 'OffsetCommit', 0, 9],
  [9, 'OffsetFetch', 0, 9],
  [10, 'FindCoordinator', 0, 6],
  [11, 'JoinGroup', 0, 9],
  [12, 'Heartbeat', 0, 4],
  [13, 'LeaveGroup', 0, 5],
  [14, 'SyncGroup', 0, 5],
  [15, 'DescribeGroups', 0, 5],
  [16, 'ListGroups', 0, 5],
  [17, 'SaslHandshake', 0, 1],
  [18, 'ApiVersions', 0, 4],
  [19, 'CreateTopics', 0, 7],
  [20, 'DeleteTopics', 0, 6],
  [21, 'DeleteRecords', 0, 2],
  [22, 'InitProducerId', 0, 5],
  [23, 'OffsetForLeaderEpoch', 0, 4],
  [24, 'AddPartitionsToTxn', 0, 5],
  [25, 'AddOffsetsToTxn', 0, 4],
  [26, 'EndTxn', 0, 4],
  [27, 'WriteTxnMarkers', 0, 1],
  [28, 'TxnOffsetCommit', 0, 4],
  [29, 'DescribeAcls', 0, 3],
  [30, 'CreateAcls', 0, 3],
  [31, 'DeleteAcls', 0, 3],
  [32, 'DescribeConfigs', 0, 4],
  [33, 'AlterConfigs', 0, 2],
  [34, 'AlterReplicaLogDirs', 0, 2],
  [35, 'DescribeLogDirs', 0, 4],
  [36, 'SaslAuthenticate', 0, 2],
  [37, 'CreatePartitions', 0, 3],
  [38, 'CreateDelegationToken', 0, 3],
  [39, 'RenewDelegationToken', 0, 2],
  [40, 'ExpireDelegationToken', 0, 2],
  [41, 'DescribeDelegationToken', 0, 3],
  [42, 'DeleteGroups', 0, 2],
  [43, 'ElectLeaders', 0, 2],
  [44, 'IncrementalAlterConfigs', 0, 1],
  [45, 'AlterPartitionReassignments', 0, 0],
  [46, 'ListPartitionReassignments', 0, 0],
  [47, 'OffsetDelete', 0, 0],
  [48, 'DescribeClientQuotas', 0, 1],
  [49, 'AlterClientQuotas', 0, 1],
  [50, 'DescribeUserScramCredentials', 0, 0],
  [51, 'AlterUserScramCredentials', 0, 0],
  [55, 'DescribeQuorum', 0, 2],
  [56, 'AlterPartition', 0, 3],
  [57, 'UpdateFeatures', 0, 1],
  [58, 'Envelope', 0, 0],
  [60, 'DescribeCluster', 0, 1],
  [61, 'DescribeProducers', 0, 0],
  [64, 'UnregisterBroker', 0, 0],
  [65, 'DescribeTransactions', 0, 0],
  [66, 'ListTransactions', 0, 1],
  [67, 'AllocateProducerIds', 0, 0],
  [68, 'ConsumerGroupHeartbeat', 0, 0],
  [69, 'ConsumerGroupDescribe', 0, 0],
  [71, 'GetTelemetrySubscriptions', 0, 0],
  [72, 'PushTelemetry', 0, 0],
  [74, 'ListClientMetricsResources', 0, 0],
  [75, 'DescribeTopicPartitions', 0, 0],
  [76, 'ShareGroupHeartbeat', 0, 0],
  [77, 'ShareGroupDescribe', 0, 0],
  [78, 'ShareFetch', 0, 0],
  [79, 'ShareAcknowledge', 0, 0],
  [80, 'AddRaftVoter', 0, 0],
  [81, 'RemoveRaftVoter', 0, 0],
  [83, 'InitializeShareGroupState', 0, 0],
  [84, 'ReadShareGroupState', 0, 0],
  [85, 'WriteShareGroupState', 0, 0],
  [86, 'DeleteShareGroupState', 0, 0],
  [87, 'ReadShareGroupStateSummary', 0, 0],
] as const;

const CONTROLLER_APIS = [
  [52, 'Vote', 0, 1],
  [53, 'BeginQuorumEpoch', 0, 1],
  [54, 'EndQuorumEpoch', 0, 1],
  [59, 'FetchSnapshot', 0, 1],
  [62, 'BrokerRegistration', 0, 4],
  [63, 'BrokerHeartbeat', 0, 1],
  [70, 'ControllerRegistration', 0, 0],
  [73, 'AssignReplicasToDirs', 0, 0],
  [82, 'UpdateRaftVoter', 0, 0],
] as const;

const knownApi = ([key, name, oldestVersion, latestVersion]: readonly [number, string, number, number]): KnownApi => ({
  key,
  name,
  oldestVersion,
  latestVersion,
});

/** Named as UNSUPPORTED when a broker does not have them. */
export const EXPECTED_APIS: readonly KnownApi[] = BROKER_APIS.map(knownApi);

export const KNOWN_APIS: ReadonlyMap<number, KnownApi> = new Map(
  [...BROKER_APIS, ...CONTROLLER_APIS].map((api) => [api[0], knownApi(api)]),
);
