/** @pure A failure under the name that Java gives it: what people search for, and what Kafka's tools print. */
import { type ErrorName, errorMessage, errorName } from '../protocol/errors.ts';

/** Errors whose exception is not simply the name in camel case. */
const EXCEPTIONS: Partial<Record<ErrorName, string>> = {
  CLUSTER_AUTHORIZATION_FAILED: 'ClusterAuthorizationException',
  CORRUPT_MESSAGE: 'CorruptRecordException',
  DUPLICATE_SEQUENCE_NUMBER: 'DuplicateSequenceException',
  GROUP_AUTHORIZATION_FAILED: 'GroupAuthorizationException',
  INVALID_CONFIG: 'InvalidConfigurationException',
  INVALID_TOPIC_EXCEPTION: 'InvalidTopicException',
  KAFKA_STORAGE_ERROR: 'KafkaStorageException',
  MESSAGE_TOO_LARGE: 'RecordTooLargeException',
  NETWORK_EXCEPTION: 'NetworkException',
  NON_EMPTY_GROUP: 'GroupNotEmptyException',
  OFFSET_METADATA_TOO_LARGE: 'OffsetMetadataTooLarge',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'OutOfOrderSequenceException',
  RECORD_LIST_TOO_LARGE: 'RecordBatchTooLargeException',
  REQUEST_TIMED_OUT: 'TimeoutException',
  TOPIC_AUTHORIZATION_FAILED: 'TopicAuthorizationException',
  TOPIC_ALREADY_EXISTS: 'TopicExistsException',
  UNKNOWN_SERVER_ERROR: 'UnknownServerException',
};

/** Exceptions that do not live with the others. */
const PACKAGES = new Map([
  ['ConfigException', 'org.apache.kafka.common.config'],
  ['IllegalArgumentException', 'java.lang'],
  ['NumberFormatException', 'java.lang'],
  ['SchemaException', 'org.apache.kafka.common.protocol.types'],
]);

export class ApiError extends Error {
  /** Java's class name without its package. */
  readonly exception: string;
  /** The protocol's error, when a broker sent one. */
  readonly error: ErrorName | null;

  constructor(exception: string, message: string, error: ErrorName | null = null) {
    super(message);
    this.exception = exception;
    this.error = error;
  }

  /** @param message the broker's own words, if it sent some */
  static of(errorCode: number, message: string | null = null): ApiError {
    const error = errorName(errorCode);
    return new ApiError(exceptionOf(error), message ?? errorMessage(error), error);
  }

  static named(error: ErrorName): ApiError {
    return new ApiError(exceptionOf(error), errorMessage(error), error);
  }

  get className(): string {
    return `${PACKAGES.get(this.exception) ?? 'org.apache.kafka.common.errors'}.${this.exception}`;
  }

  /** `org.apache.kafka.common.errors.TopicExistsException: Topic 'x' already exists.` */
  override toString(): string {
    return `${this.className}: ${this.message}`;
  }
}

function exceptionOf(error: ErrorName): string {
  const regular = error.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return EXCEPTIONS[error] ?? `${regular}Exception`;
}
