/**
 * Producing in v3 of the REST Proxy: `POST …/records`, a stream of records with a stream of reports, and
 * `POST …/records:batch`.
 *
 * Guarantees: reports go out while records still come in; a client that goes away ends its stream, and so does a server
 * that closes, after a moment for the reports of what was read.
 */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { type BatchTools, beginBatch, endBatch } from '../rest/produce-batch.ts';
import { invalidPayload } from '../rest/rest-errors.ts';
import { SharedRoom } from '../rest/shared-room.ts';
import { type StreamLimits, StreamProduce } from '../rest/stream-produce.ts';
import type { BodyBudget } from './body-budget.ts';
import { clientOf } from './client-address.ts';
import { V3Call } from './rest-v3-call.ts';
import { DESCRIPTIONS } from './rest-v3-produce-descriptions.ts';
import { TextOutput } from './text-output.ts';

export interface V3ProduceOptions extends BatchTools {
  readonly clusterId: string;
  readonly clock: Clock;
  /** Of bodies that are read as a whole. */
  readonly budget: BodyBudget;
  readonly limits?: Partial<StreamLimits>;
}

const PATH = '/topics/:topic_name/records';
const MULTI_STATUS = 207;
/** Of all streams of a broker. */
const MAX_BYTES = 128 * 1024 * 1024;
/** For the reports of what was read before the server closes; Confluent's grace period. */
const GRACE_MS = 500;

export function restV3Produce(options: V3ProduceOptions): FastifyPluginAsync {
  const memory = new SharedRoom(MAX_BYTES);
  return async (app) => {
    await app.register(async (streams) => addStreams(streams, options, memory));
    await app.register(async (batches) => addBatches(batches, options));
  };
}

function addStreams(app: FastifyInstance, options: V3ProduceOptions, memory: SharedRoom): void {
  const { clusterId, clock } = options;
  const open = new Map<StreamProduce, Promise<unknown>>();
  app.removeAllContentTypeParsers();
  // It is read bit by bit.
  app.addContentTypeParser('application/json', (_request, _payload, done) => done(null));
  app.addHook('preClose', async () => {
    if (open.size === 0) return;
    for (const stream of open.keys()) stream.finish();
    await Promise.race([Promise.allSettled(open.values()), clock.sleep(GRACE_MS)]);
    for (const stream of open.keys()) stream.stop();
  });
  const config = { streamsBody: true };
  app.post(`/v3/clusters/:cluster_id${PATH}`, { schema: DESCRIPTIONS.stream, config }, async (request, reply) => {
    const topic = new V3Call(request, clusterId, PATH).text('topic_name');
    const output = new TextOutput();
    const stream = new StreamProduce(topic, { ...options, memory: memory.of(clientOf(request.ip)) }, output);
    reply.raw.once('close', () => stream.stop());
    const ended = stream.run(request.raw[Symbol.asyncIterator]());
    open.set(stream, ended);
    void ended.then((end) => {
      open.delete(stream);
      if (end === 'stopped') output.readable.destroy();
      else output.end(reply, clock);
    });
    const first = await Promise.race([ended, output.whenWritten()]);
    // There is nobody to be answered.
    if (first === 'stopped') return reply.hijack();
    if (first === 'empty') throw invalidPayload('Request body is empty. Data is required.');
    return reply.header('content-type', 'application/json').send(output.readable);
  });
}

function addBatches(app: FastifyInstance, options: V3ProduceOptions): void {
  const { budget, clusterId } = options;
  budget.watch(app, ['application/json']);
  app.post(`/v3/clusters/:cluster_id${PATH}::batch`, { schema: DESCRIPTIONS.batch }, (request, reply) =>
    budget.whileWorking(request, async () => {
      const topic = new V3Call(request, clusterId, PATH).text('topic_name');
      const body = typeof request.body === 'string' ? request.body : '';
      const begun = await budget.whenInTurn(body, true, () =>
        beginBatch(options, topic, body, (count) => budget.holdPieces(request, count)),
      );
      budget.holdPieces(request, begun.length);
      return reply.code(MULTI_STATUS).send(await endBatch(begun));
    }),
  );
}
