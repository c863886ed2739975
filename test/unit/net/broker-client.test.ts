/** Requests to another broker: pipelining, deadlines, lost connections; and the search for the controller. */
import * as net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/lib/clock.ts';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { BrokerClient, type BrokerClientOptions, ConnectionError } from '../../../src/net/broker-client.ts';
import type { Connection, EncodedReply, FrameHandler, PendingReply } from '../../../src/net/connection.ts';
import { type ControllerAddress, ControllerChannel } from '../../../src/net/controller-channel.ts';
import { SocketServer } from '../../../src/net/socket-server.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { encodeResponse } from '../../../src/protocol/frame.ts';
import { Fetch } from '../../../src/protocol/messages/01-fetch.ts';
import { ApiVersions } from '../../../src/protocol/messages/18-api-versions.ts';
import { AllocateProducerIds } from '../../../src/protocol/messages/67-allocate-producer-ids.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';

const clock = new SystemClock();
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function startBroker(handleFrame: FrameHandler, port = 0): Promise<SocketServer> {
  const server = new SocketServer({
    config: {
      listeners: [{ listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: '127.0.0.1', port }],
      interBrokerListenerName: 'PLAINTEXT',
      socketRequestMaxBytes: 1_000_000,
      socketListenBacklogSize: 50,
      connectionsMaxIdleMs: 600_000,
      maxConnections: 100,
      maxConnectionsPerIp: 100,
      maxConnectionsPerIpOverrides: new Map(),
      maxConnectionCreationRate: 2_147_483_647,
    },
    handleFrame,
    clock,
    logger: silentLogger,
  });
  await server.start();
  opened.push(server);
  return server;
}

function clientOf(server: SocketServer | number, options: Partial<BrokerClientOptions> = {}): BrokerClient {
  const client = new BrokerClient({
    host: '127.0.0.1',
    port: typeof server === 'number' ? server : server.boundPort('PLAINTEXT'),
    clientId: 'test',
    clock,
    logger: silentLogger,
    requestTimeoutMs: 5_000,
    ...options,
  });
  opened.push(client);
  return client;
}

const correlationIdOf = (frame: Buffer): number => frame.readInt32BE(4);

function apiVersionsReply(frame: Buffer, errorCode: number): EncodedReply {
  return {
    kind: 'ready',
    bytes: encodeResponse(ApiVersions, 3, correlationIdOf(frame), { errorCode, apiKeys: [] }),
    release: null,
  };
}

const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };

describe('a broker client', () => {
  it('gives each of many requests at once its own response', async () => {
    let count = 0;
    const client = clientOf(await startBroker((frame) => apiVersionsReply(frame, count++)));
    expect(client.isConnected).toBe(false);
    const responses = await Promise.all(Array.from({ length: 50 }, () => client.send(ApiVersions, 3, request)));
    expect(responses.map(({ errorCode }) => errorCode)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(client.isConnected).toBe(true);
  });

  it('refuses more requests at once than it may have in flight', async () => {
    const never: PendingReply = { kind: 'pending', reply: new Deferred<null>().promise, isStaged: true };
    const client = clientOf(await startBroker(() => never), { maxInFlightRequests: 2 });
    const failures = [1, 2].map(() => expect(client.send(ApiVersions, 3, request)).rejects.toThrow('was closed'));
    await expect(client.send(ApiVersions, 3, request)).rejects.toThrow('2 requests in flight already');
    client.close();
    await Promise.all(failures);
  });

  it('fails with ConnectionError when nothing listens, and connects when something does', async () => {
    const port = await freePort();
    const client = clientOf(port, { reconnectBackoffMs: 1 });
    await expect(client.send(ApiVersions, 3, request)).rejects.toThrow(ConnectionError);
    await expect(client.send(ApiVersions, 3, request)).rejects.toThrow('ECONNREFUSED');
    await startBroker((frame) => apiVersionsReply(frame, 7), port);
    expect((await client.send(ApiVersions, 3, request)).errorCode).toBe(7);
  });

  it('fails everything in flight when the connection is lost, then connects again', async () => {
    const connections: Connection[] = [];
    let isHanging = true;
    const server = await startBroker((frame, connection) => {
      connections.push(connection);
      if (!isHanging) return apiVersionsReply(frame, 0);
      return { kind: 'pending', reply: new Deferred<null>().promise, isStaged: true };
    });
    const client = clientOf(server, { reconnectBackoffMs: 1 });
    const failed = [1, 2, 3].map(() =>
      expect(client.send(ApiVersions, 3, request)).rejects.toBeInstanceOf(ConnectionError),
    );
    await eventually(() => connections.length === 3, { intervalMs: 1 });
    connections[0]?.close(null);
    await Promise.all(failed);
    expect(client.isConnected).toBe(false);
    isHanging = false;
    expect((await client.send(ApiVersions, 3, request)).errorCode).toBe(0);
    await eventually(() => server.connectionCount === 1, { intervalMs: 1 });
  });

  it('gives up a connection on which a request was not answered in time', async () => {
    let isHanging = true;
    let received = 0;
    const server = await startBroker((frame) => {
      received++;
      if (!isHanging) return apiVersionsReply(frame, 0);
      return { kind: 'pending', reply: new Deferred<null>().promise, isStaged: true };
    });
    const client = clientOf(server, { reconnectBackoffMs: 1 });
    const other = expect(client.send(ApiVersions, 3, request)).rejects.toThrow('ApiVersions was not answered in time');
    // The time of the next one is for its answer, not for the connection.
    await eventually(() => received === 1, { intervalMs: 1 });
    await expect(client.send(ApiVersions, 3, request, { timeoutMs: 30 })).rejects.toThrow('not answered in time');
    await other;
    isHanging = false;
    expect((await client.send(ApiVersions, 3, request)).errorCode).toBe(0);
  });

  it('takes back what was not delivered when it gives up: it must not arrive after what is sent next', async () => {
    const accepted = new Deferred<net.Socket>();
    // It does not read, as if the network had gone.
    const server = net.createServer({ pauseOnConnect: true }, (socket) => accepted.resolve(socket));
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)),
    );
    opened.push({ close: () => new Promise((resolve) => server.close(resolve)) });
    const large = { clientSoftwareName: 'x'.repeat(1_500_000), clientSoftwareVersion: '1' };
    const answer = clientOf(port).send(ApiVersions, 3, large, { timeoutMs: 100 });
    await expect(answer).rejects.toThrow('ApiVersions was not answered in time');
    const socket = await accepted.promise;
    let receivedBytes = 0;
    await new Promise<void>((resolve) => {
      socket.on('data', (bytes) => {
        receivedBytes += bytes.length;
      });
      // The reset.
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
    expect(receivedBytes).toBeLessThan(1_500_000);
  });

  it('waits for a connection no longer than for the answer', async () => {
    // An address that swallows what is sent to it (TEST-NET-1), or refuses it at once where there is no route.
    const client = clientOf(9, { host: '192.0.2.1' });
    await expect(client.send(ApiVersions, 3, request, { timeoutMs: 30 })).rejects.toBeInstanceOf(ConnectionError);
  });

  it.each([
    ['another correlation id', (frame: Buffer) => apiVersionsReply(Buffer.from(frame).fill(9, 4, 8), 0)],
    ['a frame without one', () => ({ kind: 'ready', bytes: Buffer.from([0, 0, 0, 1, 5]), release: null }) as const],
    [
      'a response that cannot be read',
      (frame: Buffer) => ({
        kind: 'ready' as const,
        bytes: Buffer.concat([Buffer.from([0, 0, 0, 6]), frame.subarray(4, 8), Buffer.from([0, 0])]),
        release: null,
      }),
    ],
    ['an impossible length', () => ({ kind: 'ready', bytes: Buffer.from([0xff, 0, 0, 1]), release: null }) as const],
  ])('takes %s for a broken connection', async (_what, reply) => {
    const client = clientOf(await startBroker((frame) => reply(frame)));
    await expect(client.send(ApiVersions, 3, request)).rejects.toBeInstanceOf(ConnectionError);
    expect(client.isConnected).toBe(false);
  });

  it('keeps the record slices of a response valid until the next send', async () => {
    let fill = 0;
    const server = await startBroker((frame) => {
      fill++;
      const records = Buffer.alloc(300_000, fill);
      const partitions = [{ partitionIndex: 0, errorCode: 0, highWatermark: 0, abortedTransactions: null, records }];
      const response = { errorCode: 0, responses: [{ topic: '', topicId: ZERO_TOPIC_ID, partitions }] };
      return { kind: 'ready', bytes: encodeResponse(Fetch, 17, correlationIdOf(frame), response), release: null };
    });
    const fetch = { maxWaitMs: 0, minBytes: 1, topics: [] };
    for (const receiveBufferBytes of [4096, 1024 * 1024]) {
      const client = clientOf(server, { receiveBufferBytes });
      for (let round = 0; round < 3; round++) {
        const { responses } = await client.send(Fetch, 17, fetch);
        const expected = fill;
        await clock.sleep(1);
        const records = responses[0]?.partitions[0]?.records;
        expect(records?.length).toBe(300_000);
        expect(records?.every((byte) => byte === expected)).toBe(true);
      }
    }
  });

  it('refuses to send once it is closed', async () => {
    const client = clientOf(await startBroker((frame) => apiVersionsReply(frame, 0)));
    await client.send(ApiVersions, 3, request);
    client.close();
    await expect(client.send(ApiVersions, 3, request)).rejects.toThrow('the client is closed');
  });
});

describe('the channel to the controller', () => {
  function allocateReply(frame: Buffer, errorCode: number): EncodedReply {
    const response = { errorCode, producerIdStart: 0, producerIdLen: 1000 };
    return {
      kind: 'ready',
      bytes: encodeResponse(AllocateProducerIds, 0, correlationIdOf(frame), response),
      release: null,
    };
  }

  function channelTo(controller: () => ControllerAddress | null): ControllerChannel {
    const channel = new ControllerChannel({
      controller,
      clientId: 'test',
      clock,
      logger: silentLogger,
      requestTimeoutMs: 5_000,
      retryBackoffMs: 5,
    });
    opened.push(channel);
    return channel;
  }

  const addressOf = (server: SocketServer, brokerId: number): ControllerAddress => ({
    brokerId,
    host: '127.0.0.1',
    port: server.boundPort('PLAINTEXT'),
  });
  const retryWhen = ({ errorCode }: { errorCode: number }): boolean => errorCode === Errors.NOT_CONTROLLER;

  it('waits while there is no controller', async () => {
    const server = await startBroker((frame) => allocateReply(frame, 0));
    let known: ControllerAddress | null = null;
    const answer = channelTo(() => known).send(AllocateProducerIds, 0, { brokerId: 1 });
    await clock.sleep(12);
    known = addressOf(server, 1);
    expect((await answer).producerIdLen).toBe(1000);
  });

  it('asks the next controller when one says that it is none, or is gone', async () => {
    const old = await startBroker((frame) => allocateReply(frame, Errors.NOT_CONTROLLER));
    const current = await startBroker((frame) => allocateReply(frame, 0));
    const gone: ControllerAddress = { brokerId: 3, host: '127.0.0.1', port: await freePort() };
    const known = [addressOf(old, 1), gone, gone, addressOf(current, 2)];
    const channel = channelTo(() => known.shift() ?? null);
    const response = await channel.send(AllocateProducerIds, 0, { brokerId: 1 }, { retryWhen });
    expect(response.errorCode).toBe(0);
    expect(known).toEqual([]);
  });

  it('gives a stale answer when the time is up, and an error when there was none', async () => {
    let count = 0;
    // Nobody answers the second attempt, which has all the time that is left.
    const old = await startBroker((frame) =>
      count++ === 0
        ? allocateReply(frame, Errors.NOT_CONTROLLER)
        : { kind: 'pending', reply: new Deferred<null>().promise, isStaged: true },
    );
    const stale = channelTo(() => addressOf(old, 1));
    const options = { timeoutMs: 500, retryWhen };
    const response = await stale.send(AllocateProducerIds, 0, { brokerId: 1 }, options);
    expect(response.errorCode).toBe(Errors.NOT_CONTROLLER);
    expect(count).toBe(2);
    const nobody = channelTo(() => null).send(AllocateProducerIds, 0, { brokerId: 1 }, options);
    await expect(nobody).rejects.toThrow('no controller is known');
  });

  it('ends its attempts when it is closed', async () => {
    const channel = channelTo(() => null);
    const answer = channel.send(AllocateProducerIds, 0, { brokerId: 1 });
    channel.close();
    await expect(answer).rejects.toThrow('the channel is closed');
  });
});
