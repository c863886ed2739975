/**
 * How the REST Proxy says no: Confluent's statuses, codes and texts (kafka-rest's Errors, and KafkaExceptionMapper
 * of rest-utils), for everything that rest/ throws and for what Kafka's client and the registry throw through it.
 */
import { ApiError } from '../client/api-error.ts';
import { isLostConnection } from '../client/cluster-client.ts';
import { type ErrorName, isRetriable, KafkaError } from '../protocol/errors.ts';
import { RegistryError } from '../registry/registry-errors.ts';

export class RestError extends Error {
  override readonly name = 'RestError';
  /** Of HTTP. */
  readonly status: number;
  /** What `error_code` says: the status, or five digits that begin with it. */
  readonly code: number;

  constructor(code: number, message: string, status = code >= 1000 ? Math.floor(code / 100) : code) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const refusal = (code: number, message: string): RestError => new RestError(code, message);

/** Input that cannot be meant; the detail follows the status' name, as in Confluent's StatusCodeException. */
export const badRequest = (detail: string): RestError => refusal(400, `Bad Request: ${detail}`);
/** A body that cannot be read. */
export const refusedBody = (message: string): RestError => refusal(400, message);
export const invalidTopic = (reason: string): RestError => refusal(KAFKA_BAD_REQUEST, reason);
export const unprocessable = (message: string): RestError => refusal(422, message);
export const topicNotFound = (): RestError => refusal(40401, 'Topic not found.');
export const partitionNotFound = (): RestError => refusal(40402, 'Partition not found.');
export const instanceNotFound = (): RestError => refusal(40403, 'Consumer instance not found.');
/** A record, or a part of it, that is not of the format that it was asked for in. */
export const unreadable = (detail: string): RestError => refusal(UNREADABLE, detail);
export const formatMismatch = (): RestError =>
  refusal(40601, 'The requested embedded data format does not match the deserializer for this consumer instance');
export const instanceExists = (): RestError =>
  refusal(40902, 'Consumer with specified consumer ID already exists in the specified consumer group.');
export const illegalState = (detail: string): RestError => refusal(40903, `Illegal state: ${detail}`);
export const keySchemaMissing = (): RestError =>
  refusal(42201, 'Request includes keys but does not include key schema');
export const valueSchemaMissing = (): RestError =>
  refusal(42202, 'Request includes values but does not include value schema');
export const invalidConsumerConfig = (detail: string): RestError =>
  refusal(42204, `Invalid consumer configuration: ${detail}`);
/** Of the REST Proxy's own settings; Confluent's status is not that of the code. */
export const unboundedConsumerConfig = (detail: string): RestError =>
  new RestError(40001, `Invalid consumer configuration. It does not abide by the constraints: ${detail}`, 422);
export const invalidSchema = (detail: string): RestError => refusal(42205, `Invalid schema: ${detail}`);
export const invalidPayload = (detail: string): RestError => refusal(42206, `Payload error. ${detail}`);
export const serializationFailed = (detail: string): RestError =>
  refusal(42207, `Error serializing message. ${detail}`);
export const tooManyRequests = (detail: string): RestError => refusal(42901, detail);

export const KAFKA_ERROR = 50002;
export const KAFKA_RETRIABLE_ERROR = 50003;
/** What cannot be made of a record's bytes; its status is Confluent's choice. */
export const UNREADABLE = 40801;
const KAFKA_BAD_REQUEST = 40002;
const TOO_LARGE = 413;

/** What does not follow from being retriable or not. */
const CODES: Partial<Record<ErrorName, number>> = {
  BROKER_NOT_AVAILABLE: 50302,
  INVALID_CONFIG: KAFKA_BAD_REQUEST,
  INVALID_PARTITIONS: KAFKA_BAD_REQUEST,
  INVALID_REPLICATION_FACTOR: KAFKA_BAD_REQUEST,
  INVALID_REQUEST: KAFKA_BAD_REQUEST,
  INVALID_TOPIC_EXCEPTION: KAFKA_BAD_REQUEST,
  MESSAGE_TOO_LARGE: TOO_LARGE,
  POLICY_VIOLATION: KAFKA_BAD_REQUEST,
  SECURITY_DISABLED: KAFKA_BAD_REQUEST,
  THROTTLING_QUOTA_EXCEEDED: 42901,
  TOPIC_ALREADY_EXISTS: KAFKA_BAD_REQUEST,
  TOPIC_DELETION_DISABLED: KAFKA_BAD_REQUEST,
  UNKNOWN_SERVER_ERROR: KAFKA_BAD_REQUEST,
  UNKNOWN_TOPIC_ID: 40403,
  UNKNOWN_TOPIC_OR_PARTITION: 40403,
  UNSUPPORTED_VERSION: KAFKA_BAD_REQUEST,
};
/** Of exceptions that Kafka's clients throw by themselves. */
const EXCEPTION_CODES = new Map([
  ['RecordTooLargeException', TOO_LARGE],
  ['UnsupportedVersionException', KAFKA_BAD_REQUEST],
  ['InvalidTopicException', KAFKA_BAD_REQUEST],
]);

/** What a client is told of the error; null for a fault of ours, of which it is told nothing. */
export function restErrorOf(error: unknown): RestError | null {
  if (error instanceof RestError) return error;
  if (error instanceof RegistryError) return new RestError(error.code, error.message, error.status);
  if (isLostConnection(error)) return refusal(KAFKA_RETRIABLE_ERROR, error.message);
  if (error instanceof KafkaError) return refusal(codeOf(error.error), error.message);
  if (!(error instanceof ApiError)) return null;
  if (error.error !== null) return refusal(codeOf(error.error), error.message);
  if (error.exception === 'TimeoutException') {
    return refusal(missingCode(error.message) ?? KAFKA_RETRIABLE_ERROR, error.message);
  }
  return refusal(EXCEPTION_CODES.get(error.exception) ?? KAFKA_ERROR, error.message);
}

/** Of what a producer waited for in vain; Confluent's has the code of the topic for a partition, too. */
function missingCode(message: string): number | null {
  if (!/not present in metadata/i.test(message)) return null;
  return message.startsWith('Partition ') ? 40402 : 40401;
}

/**
 * Of a record that could not be written, in the answer of v2: whether another try may help. Confluent's documentation
 * says 2 and 1 for it, its code says these. Null for a fault of ours.
 */
export function recordErrorCode(error: unknown): number | null {
  if (isLostConnection(error)) return KAFKA_RETRIABLE_ERROR;
  if (!(error instanceof ApiError)) return null;
  if (error.error === null) return error.exception === 'TimeoutException' ? KAFKA_RETRIABLE_ERROR : KAFKA_ERROR;
  return securityCode(error.error) ?? (isRetriable(error.error) ? KAFKA_RETRIABLE_ERROR : KAFKA_ERROR);
}

function codeOf(error: ErrorName): number {
  const code = CODES[error] ?? securityCode(error);
  return code ?? (isRetriable(error) ? KAFKA_RETRIABLE_ERROR : KAFKA_ERROR);
}

function securityCode(error: ErrorName): number | null {
  if (error === 'SASL_AUTHENTICATION_FAILED') return 40101;
  return error.endsWith('_AUTHORIZATION_FAILED') ? 40301 : null;
}
