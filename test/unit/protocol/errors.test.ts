/** The table of errors; test/interop compares it with the Java client. */
import { describe, expect, it } from 'vitest';
import {
  type ErrorName,
  Errors,
  errorMessage,
  errorName,
  isRetriable,
  KafkaError,
} from '../../../src/protocol/errors.ts';

describe('the error codes', () => {
  it('are Kafka’s, each once, from -1 on without a gap', () => {
    const codes = Object.values(Errors);
    expect(codes).toEqual(codes.map((_, i) => i - 1));
    expect([Errors.UNKNOWN_SERVER_ERROR, Errors.NONE, Errors.NOT_LEADER_OR_FOLLOWER]).toEqual([-1, 0, 6]);
    expect([Errors.UNSUPPORTED_VERSION, Errors.UNKNOWN_TOPIC_ID, Errors.VOTER_NOT_FOUND]).toEqual([35, 100, 127]);
  });

  it('have names, and a code from the future is an unknown server error', () => {
    for (const [name, code] of Object.entries(Errors)) expect(errorName(code)).toBe(name);
    expect(errorName(31_000)).toBe('UNKNOWN_SERVER_ERROR');
  });

  it('say whether to try again', () => {
    const retriable: ErrorName[] = [
      'NOT_LEADER_OR_FOLLOWER',
      'REQUEST_TIMED_OUT',
      'KAFKA_STORAGE_ERROR',
      'NOT_CONTROLLER',
    ];
    const fatal: ErrorName[] = ['NONE', 'MESSAGE_TOO_LARGE', 'INVALID_PRODUCER_EPOCH', 'TOPIC_ALREADY_EXISTS'];
    expect(retriable.every(isRetriable)).toBe(true);
    expect(fatal.some(isRetriable)).toBe(false);
  });
});

describe('a KafkaError', () => {
  it('carries its code and Kafka’s text unless it has a better one', () => {
    const error = new KafkaError('TOPIC_ALREADY_EXISTS');
    expect([error.errorCode, error.message]).toEqual([36, 'Topic with this name already exists.']);
    expect(new KafkaError('INVALID_CONFIG', 'no such key').message).toBe('no such key');
    expect(errorMessage('REQUEST_TIMED_OUT')).toBe('The request timed out.');
    expect(error).toBeInstanceOf(Error);
  });
});
