/**
 * From frames to answers: what is refused, what is answered how, and that nothing a client sends is a fault of ours.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../../../src/broker/dispatch.ts';
import { type Handler, handler, NO_RESPONSE, staged } from '../../../src/broker/handler.ts';
import { apiVersions } from '../../../src/broker/handlers/18-api-versions.ts';
import { ALL_HANDLERS } from '../../../src/broker/handlers/index.ts';
import { brokerConfigFrom } from '../../../src/config/broker-config.ts';
import { AssertionError } from '../../../src/lib/assert.ts';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';
import { decodeResponse, encodeRequest } from '../../../src/protocol/frame.ts';
import { Produce } from '../../../src/protocol/messages/00-produce.ts';
import { Fetch } from '../../../src/protocol/messages/01-fetch.ts';
import { LeaderAndIsr } from '../../../src/protocol/messages/04-leader-and-isr.ts';
import { StopReplica } from '../../../src/protocol/messages/05-stop-replica.ts';
import { UpdateMetadata } from '../../../src/protocol/messages/06-update-metadata.ts';
import { ControlledShutdown } from '../../../src/protocol/messages/07-controlled-shutdown.ts';
import { ApiVersions } from '../../../src/protocol/messages/18-api-versions.ts';
import { InitProducerId } from '../../../src/protocol/messages/22-init-producer-id.ts';
import { AlterPartition } from '../../../src/protocol/messages/56-alter-partition.ts';
import { AllocateProducerIds } from '../../../src/protocol/messages/67-allocate-producer-ids.ts';
import { ALL_APIS } from '../../../src/protocol/messages/index.ts';
import type { Api, RequestIn, RequestOf, ResponseOf } from '../../../src/protocol/schema.ts';
import { aConnection, brokerWith, deskOf } from '../../support/requests.ts';

type IdRequest = RequestOf<typeof InitProducerId>;
type IdResponse = ResponseOf<typeof InitProducerId>;
type IdHandle = (request: IdRequest) => ReturnType<Handler['handle']>;

const request = { transactionalId: null, transactionTimeoutMs: 1000 };
const response: IdResponse = { errorCode: 0, producerId: 5, producerEpoch: 0 };

/** A desk that answers InitProducerId as the test wants it, and ApiVersions. */
function deskAnswering(handle: IdHandle) {
  const answering = handler(InitProducerId, { versions: '0-5' }, (_context, asked) => handle(asked) as IdResponse);
  return deskOf([apiVersions, answering], brokerWith({}));
}

describe('a request', () => {
  it('is answered in the same turn when its handler answers at once', () => {
    const desk = deskAnswering(() => response);
    const outcome = desk.outcome(InitProducerId, 4, request);
    expect(outcome?.kind).toBe('ready');
  });

  it.each([0, 1, 2, 5])('is answered in its own version, here %i', async (version) => {
    const desk = deskAnswering(async () => response);
    expect(await desk.ask(InitProducerId, version, request)).toMatchObject({ errorCode: 0, producerId: 5 });
  });

  it('may be staged, may stay without a response, or both', async () => {
    const desk = deskAnswering(({ transactionTimeoutMs }) =>
      transactionTimeoutMs === 0
        ? NO_RESPONSE
        : staged(Promise.resolve(transactionTimeoutMs > 1 ? response : NO_RESPONSE)),
    );
    expect(desk.outcome(InitProducerId, 4, { ...request, transactionTimeoutMs: 0 })).toBeNull();
    expect(desk.outcome(InitProducerId, 4, request)).toMatchObject({ kind: 'pending', isStaged: true });
    expect(await desk.ask(InitProducerId, 4, request)).toMatchObject({ producerId: 5 });
    expect(await desk.ask(InitProducerId, 4, { ...request, transactionTimeoutMs: 1 })).toBeNull();
  });

  it('that only waits is not staged', () => {
    const desk = deskAnswering(async () => response);
    expect(desk.outcome(InitProducerId, 4, request)).toMatchObject({ kind: 'pending', isStaged: false });
  });
});

describe('an error in a handler', () => {
  it.each([
    [
      'thrown',
      () => {
        throw new KafkaError('INVALID_PRODUCER_EPOCH');
      },
    ],
    ['rejected', () => Promise.reject(new KafkaError('INVALID_PRODUCER_EPOCH'))],
    ['rejected behind a stage', () => staged(Promise.reject(new KafkaError('INVALID_PRODUCER_EPOCH')))],
  ] as [string, IdHandle][])('that is expected is the answer (%s)', async (_how, handle) => {
    const desk = deskAnswering(handle);
    const answer = await desk.ask(InitProducerId, 4, request);
    expect(answer?.errorCode).toBe(Errors.INVALID_PRODUCER_EPOCH);
    expect(desk.errors).toEqual([]);
    expect(desk.dispatch.faultCount).toBe(0);
  });

  it.each([
    [
      'thrown',
      () => {
        throw new TypeError('oh');
      },
    ],
    ['rejected', () => Promise.reject(new TypeError('oh'))],
  ] as [string, IdHandle][])(
    'of ours is logged, counted and answered without telling more (%s)',
    async (_how, handle) => {
      const desk = deskAnswering(handle);
      const answer = await desk.ask(InitProducerId, 4, request);
      expect(answer?.errorCode).toBe(Errors.UNKNOWN_SERVER_ERROR);
      expect(desk.errors).toEqual(['handler fault: InitProducerId v4 from tester at 127.0.0.1:9092-127.0.0.1:50000-0']);
      expect(desk.dispatch.faultCount).toBe(1);
    },
  );

  it('that is a response which cannot be encoded is a fault, too', async () => {
    const desk = deskAnswering(() => ({ ...response, producerEpoch: 70_000 }));
    expect((await desk.ask(InitProducerId, 4, request))?.errorCode).toBe(Errors.UNKNOWN_SERVER_ERROR);
    expect(desk.dispatch.faultCount).toBe(1);
  });

  it.each([
    [
      'thrown',
      () => {
        throw new AssertionError('broken');
      },
    ],
    ['rejected', () => Promise.reject(new AssertionError('broken'))],
  ] as [string, IdHandle][])('that is a failed assertion ends the process (%s)', async (_how, handle) => {
    const desk = deskAnswering(handle);
    await expect(desk.ask(InitProducerId, 4, request)).rejects.toThrow('broken');
    expect(desk.fatal.length).toBe(1);
  });

  it('of a request that expects no response closes the connection', async () => {
    const failing = handler(Produce, { versions: '3-9', onError: () => NO_RESPONSE }, () => {
      throw new KafkaError('NOT_LEADER_OR_FOLLOWER');
    });
    const desk = deskOf([failing], brokerWith({}));
    const produce = { acks: 0, timeoutMs: 0, topicData: [] };
    await expect(desk.ask(Produce, 9, produce)).rejects.toThrow(InvalidRequestError);
  });
});

describe('what brokers say to each other', () => {
  const envelope = { controllerId: 1, controllerEpoch: 1, brokerEpoch: 1 };
  const requests: readonly [Api, number, RequestIn<Api>][] = [
    [LeaderAndIsr, 7, { ...envelope, type: 2, ungroupedPartitionStates: [], topicStates: [], liveLeaders: [] }],
    [StopReplica, 4, { ...envelope, deletePartitions: false, ungroupedPartitions: [], topics: [], topicStates: [] }],
    [UpdateMetadata, 8, { ...envelope, type: 2, ungroupedPartitionStates: [], topicStates: [], liveBrokers: [] }],
    [ControlledShutdown, 3, { brokerId: 1, brokerEpoch: 1 }],
    [AlterPartition, 3, { brokerId: 1, brokerEpoch: 1, topics: [] }],
    [AllocateProducerIds, 0, { brokerId: 1, brokerEpoch: 1 }],
  ];
  const config = brokerConfigFrom({
    'broker.id': '1',
    'zookeeper.connect': 'localhost',
    listeners: 'PLAINTEXT://h:1,CLIENTS://h:2,Control://h:3',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CLIENTS:PLAINTEXT,CONTROL:PLAINTEXT',
    'control.plane.listener.name': 'Control',
  });
  // Nothing behind the desk: a request that is let through meets a fault.
  const desk = deskOf(ALL_HANDLERS, brokerWith({ config }));

  it.each(requests.map(([api, version, request]) => ({ name: api.name, api, version, request })))(
    '$name is heard on every listener, as while the brokers change theirs one by one',
    async ({ api, version, request }) => {
      const errorCodes: unknown[] = [];
      for (const listenerName of ['CLIENTS', 'PLAINTEXT', 'CONTROL'])
        errorCodes.push((await desk.ask(api, version, request, aConnection(listenerName)))?.['errorCode']);
      const letThrough = Errors.UNKNOWN_SERVER_ERROR;
      expect(errorCodes).toEqual([letThrough, letThrough, letThrough]);
    },
  );
});

describe('a frame', () => {
  const desk = deskAnswering(() => response);

  it.each([
    ['of an api nobody knows', Buffer.from([0, 99, 0, 0, 0, 0, 0, 1, 0xff, 0xff]), 'unknown api key 99'],
    ['of an api that is not answered', Buffer.from([0, 24, 0, 0, 0, 0, 0, 1, 0xff, 0xff]), 'unknown api key 24'],
    ['of a version too new', Buffer.from([0, 22, 0, 6, 0, 0, 0, 1, 0xff, 0xff]), 'InitProducerId version 6'],
    ['of a negative version', Buffer.from([0, 22, 0xff, 0xff, 0, 0, 0, 1, 0xff, 0xff]), 'InitProducerId version -1'],
    ['that ends in its header', Buffer.from([0, 22, 0, 0, 0, 0, 0, 1, 0, 9, 65]), 'cannot be read'],
    ['that ends in its message', Buffer.from([0, 22, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff]), 'cannot be read'],
    ['without a header', Buffer.from([0, 22]), 'a request of 2 bytes'],
    ['of nothing', Buffer.alloc(0), 'a request of 0 bytes'],
  ])('%s closes the connection', (_what, frame, message) => {
    expect(() => desk.dispatch.handleFrame(frame, aConnection())).toThrow(message);
    expect(() => desk.dispatch.handleFrame(frame, aConnection())).toThrow(InvalidRequestError);
  });

  it('of any bytes is answered or refused, never a fault', async () => {
    const all = deskOf(
      ALL_APIS.map((api: Api) => {
        const versions = `${api.lowestVersion}-${api.highestVersion}`;
        const refuse = (): never => {
          throw new KafkaError('CLUSTER_AUTHORIZATION_FAILED');
        };
        return handler(api, { versions }, refuse);
      }),
      brokerWith({}),
    );
    const frame = fc
      .tuple(fc.constantFrom(...ALL_APIS.map(({ key }: Api) => key)), fc.integer({ min: 0, max: 17 }), fc.uint8Array())
      .map(([key, version, rest]) => Buffer.from([0, key, 0, version, 0, 0, 0, 1, 0xff, 0xff, ...rest]));
    fc.assert(
      fc.property(frame, (bytes) => {
        try {
          all.dispatch.handleFrame(bytes, aConnection());
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRequestError);
        }
      }),
      { numRuns: 2000 },
    );
    expect(all.errors).toEqual([]);
    expect(all.fatal).toEqual([]);
  });
});

describe('ApiVersions of an unknown version', () => {
  it.each([5, 17, -1])('is answered in version 0 with the range we have (asked in %i)', (version) => {
    const desk = deskAnswering(() => response);
    const frame = encodeRequest(ApiVersions, 0, 9, 'new', {}).subarray(4);
    frame.writeInt16BE(version, 2);
    const outcome = desk.dispatch.handleFrame(frame, aConnection());
    if (outcome?.kind !== 'ready') throw new Error('no answer');
    const { correlationId, response: answer } = decodeResponse(ApiVersions, 0, outcome.bytes.subarray(4));
    expect(correlationId).toBe(9);
    expect(answer).toMatchObject({
      errorCode: Errors.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    });
  });
});

describe('a large response', () => {
  it('is encoded into a buffer that is used again once it was released', async () => {
    const records = Buffer.alloc(500_000, 3);
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 0, abortedTransactions: null, records };
    const responses = [{ topic: 't', topicId: ZERO_TOPIC_ID, partitions: [partition] }];
    const fetching = handler(Fetch, { versions: '4-17' }, () => ({ errorCode: 0, responses }));
    const desk = deskOf([fetching], brokerWith({}));
    const fetch = { maxWaitMs: 0, minBytes: 1, topics: [] };
    const ready = () => {
      const outcome = desk.outcome(Fetch, 12, fetch);
      if (outcome?.kind !== 'ready') throw new Error('no answer');
      return outcome;
    };
    const [first, second] = [ready(), ready()];
    expect(first.bytes.buffer).not.toBe(second.bytes.buffer);
    first.release?.();
    expect(ready().bytes.buffer).toBe(first.bytes.buffer);
    expect(decodeResponse(Fetch, 12, second.bytes.subarray(4)).response.responses[0]?.partitions[0]?.records).toEqual(
      records,
    );
  });
});

describe('the list of what is supported', () => {
  it('comes from the handlers, by key', async () => {
    const desk = deskAnswering(() => response);
    expect(desk.dispatch.supportedApis).toEqual([
      { apiKey: 18, minVersion: 0, maxVersion: 4 },
      { apiKey: 22, minVersion: 0, maxVersion: 5 },
    ]);
  });
});
