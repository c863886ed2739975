/**
 * `GET /topics/{topic}/tail`: the records of a topic as they come, as server-sent events, for curl -N and for
 * EventSource. Barnabas' own; Confluent has nothing like it.
 *
 * Guarantees: what is in a record is never markup (text/event-stream, nosniff, everything within JSON); open tails are
 * bounded in number, in all and for one client; a client that goes away or, as with any answer, takes nothing any more
 * ends its tail; so does a server that closes.
 */
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { badRequest, partitionNotFound, RestError, topicNotFound } from '../rest/rest-errors.ts';
import { VIEW_FORMATS, type ViewFormat } from '../rest/record-view.ts';
import { SharedRoom } from '../rest/shared-room.ts';
import { isEndMark, parsePosition, type TailPosition } from '../rest/tail-position.ts';
import { type TailRequest, type TailSurroundings, TopicTail } from '../rest/topic-tail.ts';
import { describer, INT32, INT64, named, oneOf, STRING } from './api-description.ts';
import { clientOf } from './client-address.ts';
import { TextOutput } from './text-output.ts';

export interface TailRoutes extends TailSurroundings {
  /** Tails that may be open at the same time. */
  readonly maxTails?: number;
}

type Query = { readonly [name: string]: string | readonly string[] | undefined };

const DEFAULT_MAX_TAILS = 50;
const GRACE_MS = 500;
const CONTENT_TYPE = 'text/event-stream; charset=utf-8';
const PARAMETERS: ReadonlySet<string> = new Set(['from', 'partition', 'format', 'limit']);

const describe = describer('Tail', { produces: ['text/event-stream'] });
const SCHEMA = describe('Follow a topic: its new records, as they come', {
  description:
    'Server-sent events. `event: record` has one line of JSON: `topic`, `partition`, `offset`, `timestamp`, `key`, ' +
    '`value`, `headers`, and with `key_format` and `value_format` what the bytes were read as. Its `id` says where ' +
    'all partitions go on: sent back as `Last-Event-ID` nothing is missed. An offset that is gone stands for the ' +
    'first one there is, one beyond the end for the end. The answer begins when it is known where the partitions do, ' +
    'so whatever is written after that comes.\n\n`event: end` says why it ends. After `shutdown` and ' +
    '`error` EventSource goes on by itself. After `limit` the last id ends with `/end`; whoever comes back with it ' +
    'gets 204, and EventSource stops; the id of the last record leads on. After `topic_deleted` it is 404, or the ' +
    'first record of the topic that has the name by then.',
  params: { topic: 'Its name' },
  query: {
    from: 'Where to begin: `latest`, which is the default, `earliest`, or an offset',
    partition: { ...INT32, description: 'This one alone' },
    format: { ...oneOf(...VIEW_FORMATS), description: 'What to read keys and values as, instead of what they seem' },
    limit: { ...INT64, description: 'End after so many records' },
  },
  answers: {
    200: named('The events, until it ends', STRING),
    204: { type: 'null', description: 'The tail that Last-Event-ID is of gave all that it was to give' },
  },
});

export function tailRoutes(options: TailRoutes): FastifyPluginAsync {
  return async (app) => {
    const open: OpenTails = new Map();
    // Before connections are cut: each client is told that it is to come back, and has a moment to hear it.
    app.addHook('preClose', async () => {
      if (open.size === 0) return;
      for (const tail of open.keys()) tail.stop('shutdown');
      await Promise.race([Promise.all(open.values()), options.clock.sleep(GRACE_MS)]);
    });
    addRoute(app, options, open);
  };
}

/** Each with what resolves when its answer has left, or its client. */
type OpenTails = Map<TopicTail, Promise<void>>;

function addRoute(app: FastifyInstance, options: TailRoutes, open: OpenTails): void {
  const { maxTails = DEFAULT_MAX_TAILS } = options;
  const places = new SharedRoom(maxTails);
  app.get('/topics/:topic/tail', { schema: SCHEMA, exposeHeadRoute: false }, async (request, reply) => {
    // EventSource comes back after every end, unless it is told that there is nothing.
    if (hasEnded(request)) return reply.code(204).send();
    const asked = tailRequest(request, options);
    const place = places.of(clientOf(request.ip));
    if (!place.take(1))
      throw new RestError(503, `${places.used} tails are open at this broker already; try another one, or later`);
    const output = new TextOutput();
    const tail = new TopicTail(asked, options, output);
    open.set(tail, new Promise((resolve) => reply.raw.once('close', resolve)));
    output.readable.once('close', () => tail.stop('disconnected'));
    // It never rejects: how it ends is among the events.
    void tail.run().then(() => {
      open.delete(tail);
      place.give(1);
      output.end(reply, options.clock);
    });
    return answer(reply, output.readable);
  });
}

function answer(reply: FastifyReply, body: Readable): FastifyReply {
  return reply
    .headers({ 'content-type': CONTENT_TYPE, 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' })
    .send(body);
}

/** @throws RestError */
function tailRequest(request: FastifyRequest, { topics }: TailRoutes): TailRequest {
  const { topic } = request.params as { topic: string };
  const query = request.query as Query;
  for (const name of Object.keys(query)) if (!PARAMETERS.has(name)) throw badRequest(`Unknown parameter: ${name}`);
  const partition = wholeNumber(query, 'partition');
  const limit = wholeNumber(query, 'limit');
  if (limit === 0) throw badRequest('limit must be at least 1');
  const asked = { topic, partition, limit, format: formatOf(query), from: startOf(query), resume: resumed(request) };
  if (topics.topicId(topic) === null) throw topicNotFound();
  if (partition !== null && partition >= topics.partitionCount(topic)) throw partitionNotFound();
  return asked;
}

function startOf(query: Query): TailRequest['from'] {
  const from = single(query, 'from') ?? 'latest';
  if (from === 'latest' || from === 'earliest') return from;
  const offset = wholeNumber(query, 'from');
  return offset ?? 'latest';
}

function formatOf(query: Query): ViewFormat | null {
  const format = single(query, 'format');
  if (format === null) return null;
  const known = VIEW_FORMATS.find((each) => each === format);
  if (known === undefined) throw badRequest(`format must be one of ${VIEW_FORMATS.join(', ')}`);
  return known;
}

/** The client has all that it wanted. */
function hasEnded({ headers }: FastifyRequest): boolean {
  const id = headers['last-event-id'];
  return typeof id === 'string' && isEndMark(id);
}

function resumed({ headers }: FastifyRequest): TailPosition | null {
  const id = headers['last-event-id'];
  if (typeof id !== 'string' || id === '') return null;
  const position = parsePosition(id);
  if (position === null) throw badRequest('Last-Event-ID is not the id of an event of this tail');
  return position;
}

function wholeNumber(query: Query, name: string): number | null {
  const text = single(query, name);
  if (text === null) return null;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw badRequest(`${name} must be a whole number`);
  return value;
}

function single(query: Query, name: string): string | null {
  const value = query[name];
  if (value === undefined) return null;
  if (typeof value !== 'string') throw badRequest(`${name} is given more than once`);
  return value;
}
