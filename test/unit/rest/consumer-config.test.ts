/** Settings of consumer instances and bodies of their requests: what is taken, and how the rest is refused. */
import { describe, expect, it } from 'vitest';
import { consumerConfig } from '../../../src/rest/consumer-config.ts';
import {
  commitRequest,
  committedRequest,
  partitionsRequest,
  seekRequest,
  subscriptionRequest,
} from '../../../src/rest/consumer-requests.ts';
import { RestError } from '../../../src/rest/rest-errors.ts';

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RestError) return `${error.status}/${error.code} ${error.message}`;
    throw error;
  }
  return 'taken';
}

describe('settings', () => {
  const defaults = {
    name: null,
    format: 'binary',
    reset: 'latest',
    isCommitting: true,
    minBytes: -1,
    requestTimeoutMs: 1000,
  };

  it.each([undefined, null, {}, { name: null }])('%j has the defaults of the REST Proxy', (body) => {
    expect(consumerConfig(body)).toEqual(defaults);
  });

  it('scalars may be strings, and the id of old goes before the name', () => {
    const written = {
      id: 'i',
      name: 'n',
      format: 'AVRO',
      'auto.offset.reset': 'earliest',
      'auto.commit.enable': ' False ',
      'fetch.min.bytes': '100',
      'consumer.request.timeout.ms': '-5',
    };
    const taken = {
      name: 'i',
      format: 'avro',
      reset: 'earliest',
      isCommitting: false,
      minBytes: 100,
      requestTimeoutMs: 0,
    };
    expect(consumerConfig(written)).toEqual(taken);
    const aliases = { 'auto.commit.enable': false, responseMinBytes: 7, requestWaitMs: 20, name: 5 };
    expect(consumerConfig(aliases)).toEqual({
      ...defaults,
      name: '5',
      isCommitting: false,
      minBytes: 7,
      requestTimeoutMs: 20,
    });
  });

  it('no read waits longer than an instance lives that nobody asks for anything', () => {
    for (const value of [300_001, 2_147_483_647])
      expect(consumerConfig({ 'consumer.request.timeout.ms': value }).requestTimeoutMs).toBe(300_000);
  });

  it.each([
    [[], '400/400 Bad Request: the settings of a consumer are an object.'],
    [{ 'group.id': 'g' }, '422/422 Unrecognized field: group.id'],
    [{ format: 'xml' }, '422/422 Invalid format type.'],
    [{ format: 'protobuf' }, '422/422 Invalid format type.'],
    [{ name: {} }, '400/400 Bad Request: name cannot be an object.'],
    [{ name: '..' }, "422/422 '..' is not allowed as the name of a consumer instance"],
    [{ name: 'n'.repeat(256) }, '422/422 the name of a consumer instance may have at most 255 characters'],
    [{ name: 'n\ud800' }, '422/422 the name of a consumer instance has half of a character'],
    [{ 'fetch.min.bytes': 'many' }, '400/400 Bad Request: fetch.min.bytes=many is not a number of type INT.'],
    [{ 'fetch.min.bytes': 2 ** 31 }, '400/400 Bad Request: fetch.min.bytes=2147483648 is not a number of type INT.'],
    [
      { 'fetch.min.bytes': '-2' },
      '422/40001 Invalid consumer configuration. It does not abide by the constraints: ' +
        'Invalid value -2 for configuration fetch.min.bytes: Value must be at least -1',
    ],
    [
      { 'auto.offset.reset': 'bad-config' },
      '422/42204 Invalid consumer configuration: Invalid value bad-config for configuration auto.offset.reset: ' +
        'String must be one of: latest, earliest, none',
    ],
    [
      { 'auto.commit.enable': 'maybe' },
      '422/42204 Invalid consumer configuration: Invalid value maybe for configuration enable.auto.commit: ' +
        'Expected value to be either true or false',
    ],
  ])('%j is refused', (body, words) => {
    expect(refusal(() => consumerConfig(body))).toBe(words);
  });
});

describe('requests', () => {
  it('name the last record that was processed, and the next is committed', () => {
    const offsets = [
      { topic: 't', partition: '1', offset: '19' },
      { topic: 't', partition: 2, offset: 0, metadata: 'm' },
    ];
    expect(commitRequest({ offsets })).toEqual([
      { topic: 't', partition: 1, offset: 20, metadata: '' },
      { topic: 't', partition: 2, offset: 1, metadata: 'm' },
    ]);
    for (const nothing of [undefined, null, {}, { offsets: null }]) expect(commitRequest(nothing)).toBeNull();
    expect(commitRequest({ offsets: [] })).toEqual([]);
  });

  it('give instants in ISO-8601, in seconds, or in milliseconds where seconds would be absurd', () => {
    const at = (timestamp: unknown) => {
      const { times } = seekRequest({ timestamps: [{ topic: 't', partition: 0, timestamp }] });
      return times[0]?.timestampMs;
    };
    expect(at('2024-05-06T07:08:09.123456Z')).toBe(Date.UTC(2024, 4, 6, 7, 8, 9, 123));
    expect(at('2024-05-06T09:08:09+02:00')).toBe(Date.UTC(2024, 4, 6, 7, 8, 9));
    expect(at(1_715_000_000.5)).toBe(1_715_000_000_500);
    expect(at('1715000000')).toBe(1_715_000_000_000);
    expect(at(1_715_000_000_500)).toBe(1_715_000_000_500);
  });

  it.each([
    [() => subscriptionRequest(undefined), '422/422 Null input provided. Data is required.'],
    [() => subscriptionRequest({ topics: 't' }), '400/400 Bad Request: topics is not an array.'],
    [() => subscriptionRequest({ topics: ['a/b'] }), /^400\/40002 Topic name is invalid/],
    [() => subscriptionRequest({ topic_pattern: 1 }), '400/400 Bad Request: topic_pattern is not a string.'],
    [() => partitionsRequest({ partitions: [null] }), '422/422 Null input provided. Data is required.'],
    [
      () => partitionsRequest({ partitions: [{ topic: 't' }] }),
      '400/400 Bad Request: partition=undefined is not a number.',
    ],
    [
      () => partitionsRequest({ partitions: [{ topic: 't', partition: -1 }] }),
      '422/422 partition must be greater than or equal to 0',
    ],
    [() => partitionsRequest({ partitions: [{ partition: 0 }] }), '400/400 Bad Request: topic=null is not a string.'],
    [() => committedRequest(undefined), '404/40402 Partition not found.'],
    [() => seekRequest({ offsets: [{ topic: 't', partition: 0, offset: 1.5 }] }), /offset=1.5 is not a number/],
    [() => seekRequest({ timestamps: [{ topic: 't', partition: 0, timestamp: 'soon' }] }), /is not an instant/],
    [() => commitRequest({ offsets: Array.from({ length: 10_001 }, () => 0) }), /at most 10000 entries/],
  ])('refuse what they cannot be: %#', (act, words) => {
    if (typeof words === 'string') expect(refusal(act)).toBe(words);
    else expect(refusal(act)).toMatch(words);
  });
});
