/**
 * @pure What a client may do, as Metadata, DescribeCluster and DescribeGroups tell it (KIP-430): one bit per operation,
 * by the operation's number in Kafka's AclOperation. Without an authorizer everybody may do all that a resource
 * supports (AclEntry).
 */
const OPERATION_IDS = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const;

function bitField(operations: readonly (keyof typeof OPERATION_IDS)[]): number {
  return operations.reduce((bits, operation) => bits | (1 << OPERATION_IDS[operation]), 0);
}

export const ALL_TOPIC_OPERATIONS = bitField([
  'READ',
  'WRITE',
  'CREATE',
  'DESCRIBE',
  'DELETE',
  'ALTER',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
]);
export const ALL_CLUSTER_OPERATIONS = bitField([
  'CREATE',
  'CLUSTER_ACTION',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE',
  'ALTER',
  'DESCRIBE',
]);
export const ALL_GROUP_OPERATIONS = bitField(['READ', 'DESCRIBE', 'DELETE']);
