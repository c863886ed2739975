/**
 * @pure What a client of a coordinator is told when the log refused a record: clients know what to do about the
 * errors of coordinators, not about those of partitions. Kafka: appendGroupMetadataErrorToResponseError and
 * handleOperationException.
 */
import type { ErrorName } from '../protocol/errors.ts';

const BY_APPEND_ERROR: ReadonlyMap<ErrorName, ErrorName> = new Map<ErrorName, ErrorName>([
  // Try again, after asking where the coordinator is.
  ['UNKNOWN_TOPIC_OR_PARTITION', 'COORDINATOR_NOT_AVAILABLE'],
  ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE'],
  ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'COORDINATOR_NOT_AVAILABLE'],
  ['REQUEST_TIMED_OUT', 'COORDINATOR_NOT_AVAILABLE'],
  // Another broker is, or will be.
  ['NOT_LEADER_OR_FOLLOWER', 'NOT_COORDINATOR'],
  ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
  // Trying again cannot help.
  ['MESSAGE_TOO_LARGE', 'UNKNOWN_SERVER_ERROR'],
  ['RECORD_LIST_TOO_LARGE', 'UNKNOWN_SERVER_ERROR'],
  ['INVALID_FETCH_SIZE', 'UNKNOWN_SERVER_ERROR'],
]);

export function coordinatorError(appendError: ErrorName): ErrorName {
  return BY_APPEND_ERROR.get(appendError) ?? appendError;
}
