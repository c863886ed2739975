/** Requests as the dispatch gets them, and its answers decoded: a handler is tested through its bytes. */
import type { Broker } from '../../src/broker/broker.ts';
import { Dispatch, type DispatchOutcome } from '../../src/broker/dispatch.ts';
import type { ConnectionInfo, Handler } from '../../src/broker/handler.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { decodeResponse, encodeRequest } from '../../src/protocol/frame.ts';
import type { Api, RequestIn, ResponseOut } from '../../src/protocol/schema.ts';
import { ManualClock } from './manual-clock.ts';

/** The members a handler touches; anything else it asks for is undefined, and the test fails. */
export function brokerWith(members: Partial<Broker>): Broker {
  return {
    brokerId: 1,
    clusterId: 'test-cluster',
    clock: new ManualClock(),
    logger: silentLogger,
    ...members,
  } as Broker;
}

export function aConnection(listenerName = 'PLAINTEXT'): ConnectionInfo {
  return {
    id: '127.0.0.1:9092-127.0.0.1:50000-0',
    clientHost: '127.0.0.1',
    listenerName,
    clientSoftware: null,
    onClose: () => () => undefined,
  };
}

export interface Desk {
  readonly dispatch: Dispatch;
  readonly errors: string[];
  readonly fatal: unknown[];
  outcome<A extends Api>(api: A, version: number, request: RequestIn<A>, connection?: ConnectionInfo): DispatchOutcome;
  /** Null when there is no response. */
  ask<A extends Api>(
    api: A,
    version: number,
    request: RequestIn<A>,
    connection?: ConnectionInfo,
  ): Promise<ResponseOut<A> | null>;
}

const CORRELATION_ID = 77;

export function deskOf(handlers: readonly Handler[], broker: Broker): Desk {
  const errors: string[] = [];
  const fatal: unknown[] = [];
  const logger = { ...silentLogger, error: (message: string) => errors.push(message) };
  const dispatch = new Dispatch({ handlers, broker, logger, onFatal: (_what, error) => fatal.push(error) });
  const outcome: Desk['outcome'] = (api, version, request, connection = aConnection()) =>
    dispatch.handleFrame(encodeRequest(api, version, CORRELATION_ID, 'tester', request).subarray(4), connection);
  return {
    dispatch,
    errors,
    fatal,
    outcome,
    async ask(api, version, request, connection) {
      const given = outcome(api, version, request, connection);
      const reply = given?.kind === 'pending' ? await given.reply : given;
      if (reply === null) return null;
      const { correlationId, response } = decodeResponse(api, version, reply.bytes.subarray(4));
      if (correlationId !== CORRELATION_ID) throw new Error(`answer to request ${correlationId}`);
      if (reply.bytes.readInt32BE(0) !== reply.bytes.length - 4) throw new Error('the frame lies about its length');
      reply.release?.();
      return response;
    },
  };
}
