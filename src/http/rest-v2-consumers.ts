/**
 * v2 of the REST Proxy: consumer instances, which live in the broker that made them. Their addresses say which that is.
 *
 * Guarantees: records are answered in the format that the instance was made with, or not at all; a client that goes
 * away while it waits loses nothing.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { consumerConfig } from '../rest/consumer-config.ts';
import type { ConsumerInstance } from '../rest/consumer-instance.ts';
import type { ConsumerInstances } from '../rest/consumer-instances.ts';
import type { ReadAnswer } from '../rest/consumer-reads.ts';
import {
  committedRequest,
  commitRequest,
  partitionsRequest,
  seekRequest,
  subscriptionRequest,
} from '../rest/consumer-requests.ts';
import { parsePlainBody } from '../rest/json-body.ts';
import { formatMismatch } from '../rest/rest-errors.ts';
import type { Logger } from '../lib/logger.ts';
import { acceptedType } from './accept.ts';
import { askedAddress } from './asked-address.ts';
import { HttpProblem } from './problem.ts';
import { ANSWER_TYPES, CONSUMER_ROUTES, RECORD_TYPES } from './rest-v2-consumer-descriptions.ts';
import { agreeOnType, answerWith, V2_FORMATS } from './rest-v2-media.ts';
import { wholeBody } from './whole-body.ts';

export interface RestV2Consumers {
  readonly instances: ConsumerInstances;
  readonly logger: Logger;
}

const BODY_TYPES: readonly string[] = [...RECORD_TYPES, 'application/octet-stream'];
/** The REST Proxy's consumer.request.max.bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_BODY_BYTES = 1024 * 1024;
const PIECE_LENGTH = 64 * 1024;
/** Of a client that does not take its answer. */
const STALL_TIMEOUT_MS = 30_000;
const INSTANCE = '/consumers/:group/instances/:instance';

export function restV2Consumers(options: RestV2Consumers): FastifyPluginAsync {
  return async (app) => {
    readBodies(app);
    await app.register(async (scope) => {
      answerWith(scope, ANSWER_TYPES);
      instanceRoutes(scope, options);
      subscriptionRoutes(scope, options);
      offsetRoutes(scope, options);
      positionRoutes(scope, options);
    });
    recordRoute(app, options);
  };
}

/** JSON in whichever of the types; an empty body is none. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...BODY_TYPES], { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parsed(String(body)));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** @throws RestError 400 */
function parsed(body: string): unknown {
  return body.trim() === '' ? undefined : parsePlainBody(body);
}

function namesOf({ params }: FastifyRequest): { readonly group: string; readonly instance: string } {
  const { group = '', instance = '' } = params as { readonly group?: string; readonly instance?: string };
  return { group, instance };
}

function instanceOf({ instances }: RestV2Consumers, request: FastifyRequest): ConsumerInstance {
  const { group, instance } = namesOf(request);
  return instances.get(group, instance);
}

/** Bytes are sent as they are, without a charset behind their type. */
function bytesOf(answer: object): Buffer {
  return Buffer.from(JSON.stringify(answer));
}

function done(reply: FastifyReply): FastifyReply {
  return reply.code(204).removeHeader('content-type').send();
}

function instanceRoutes(app: FastifyInstance, options: RestV2Consumers): void {
  const { instances } = options;
  app.post('/consumers/:group', { schema: CONSUMER_ROUTES.create }, async (request) => {
    const { group } = namesOf(request);
    const name = instances.create(group, consumerConfig(request.body));
    const path = `consumers/${encodeURIComponent(group)}/instances/${encodeURIComponent(name)}`;
    return bytesOf({ instance_id: name, base_uri: `${askedAddress(request)}/${path}` });
  });
  app.delete(INSTANCE, { schema: CONSUMER_ROUTES.remove }, async (request, reply) => {
    const { group, instance } = namesOf(request);
    await instances.delete(group, instance);
    return done(reply);
  });
}

function subscriptionRoutes(app: FastifyInstance, options: RestV2Consumers): void {
  app.post(`${INSTANCE}/subscription`, { schema: CONSUMER_ROUTES.subscribe }, async (request, reply) => {
    const instance = instanceOf(options, request);
    const { topics, pattern } = subscriptionRequest(request.body);
    if (topics !== null) instance.subscribe(topics);
    else if (pattern !== null) instance.subscribeToPattern(pattern);
    return done(reply);
  });
  app.get(`${INSTANCE}/subscription`, { schema: CONSUMER_ROUTES.subscription }, async (request) =>
    bytesOf({ topics: instanceOf(options, request).subscription }),
  );
  app.delete(`${INSTANCE}/subscription`, { schema: CONSUMER_ROUTES.unsubscribe }, async (request, reply) => {
    instanceOf(options, request).unsubscribe();
    return done(reply);
  });
  app.post(`${INSTANCE}/assignments`, { schema: CONSUMER_ROUTES.assign }, async (request, reply) => {
    instanceOf(options, request).assign(partitionsRequest(request.body));
    return done(reply);
  });
  app.get(`${INSTANCE}/assignments`, { schema: CONSUMER_ROUTES.assignment }, async (request) =>
    bytesOf({
      partitions: instanceOf(options, request).assignment.map(({ topic, partition }) => ({ topic, partition })),
    }),
  );
}

function offsetRoutes(app: FastifyInstance, options: RestV2Consumers): void {
  app.post(`${INSTANCE}/offsets`, { schema: CONSUMER_ROUTES.commit }, async (request) => {
    const instance = instanceOf(options, request);
    const committed = instance.commit(commitRequest(request.body));
    if (queryOf(request, 'async') === 'true')
      committed.catch((error: unknown) => options.logger.warn('An asynchronous commit failed', error));
    else await committed;
    return bytesOf([]);
  });
  app.get(`${INSTANCE}/offsets`, { schema: CONSUMER_ROUTES.committed }, async (request) => {
    const instance = instanceOf(options, request);
    const committed = await instance.committed(committedRequest(parsed(await bodyOfGet(request))));
    const offsets = committed.map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset, metadata }));
    return bytesOf({ offsets });
  });
}

/** A GET has no body in fastify's eyes, so nobody has read it: but Confluent's clients send the partitions in it. */
function bodyOfGet({ raw }: FastifyRequest): Promise<string> {
  let bytes = 0;
  return wholeBody(raw, (more) => {
    bytes += more;
    return bytes > MAX_BODY_BYTES ? new HttpProblem(413) : null;
  });
}

function positionRoutes(app: FastifyInstance, options: RestV2Consumers): void {
  app.post(`${INSTANCE}/positions`, { schema: CONSUMER_ROUTES.seek }, async (request, reply) => {
    const instance = instanceOf(options, request);
    const { places, times } = seekRequest(request.body);
    await instance.seek(places, times);
    return done(reply);
  });
  for (const [place, start] of [
    ['beginning', 'earliest'],
    ['end', 'latest'],
  ] as const)
    app.post(`${INSTANCE}/positions/${place}`, { schema: CONSUMER_ROUTES[place] }, async (request, reply) => {
      const instance = instanceOf(options, request);
      await instance.seekTo(start, partitionsRequest(request.body));
      return done(reply);
    });
}

function recordRoute(app: FastifyInstance, options: RestV2Consumers): void {
  // A HEAD would take records away.
  const route = { schema: CONSUMER_ROUTES.records, exposeHeadRoute: false };
  app.get(`${INSTANCE}/records`, route, async (request, reply) => {
    const type = agreeOnType(request, reply, RECORD_TYPES);
    // A refusal holds no records: whoever names no type gets it in that of all other answers.
    request.agreedType = acceptedType(request.headers.accept, ANSWER_TYPES);
    const instance = instanceOf(options, request);
    if (V2_FORMATS.get(type) !== instance.config.format) throw formatMismatch();
    const timeoutMs = numberOf(request, 'timeout');
    const maxBytes = numberOf(request, 'max_bytes');
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const answer = await instance.read({
      timeoutMs: timeoutMs > 0 ? timeoutMs : null,
      maxBytes: maxBytes > 0 ? Math.min(maxBytes, MAX_ANSWER_BYTES) : MAX_ANSWER_BYTES,
      signal: gone.signal,
    });
    return send(reply, answer);
  });
}

function send(reply: FastifyReply, { texts, release }: ReadAnswer): FastifyReply {
  if (reply.raw.destroyed) {
    release();
    return reply;
  }
  reply.raw.once('close', release);
  reply.raw.setTimeout(STALL_TIMEOUT_MS, () => reply.raw.destroy());
  return reply.send(Readable.from(piecesOf(texts), { objectMode: false }));
}

function* piecesOf(texts: readonly string[]): Generator<string, void, undefined> {
  let piece = '[';
  for (const [index, text] of texts.entries()) {
    if (index > 0) piece += ',';
    piece += text;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]`;
}

function queryOf({ query }: FastifyRequest, name: string): string | null {
  const value = (query as { readonly [name: string]: unknown })[name];
  return typeof value === 'string' ? value : null;
}

/** -1 when it is not given. A number that is none leads nowhere, as with JAX-RS. */
function numberOf(request: FastifyRequest, name: string): number {
  const text = queryOf(request, name) ?? '-1';
  if (!/^-?\d{1,15}$/.test(text)) throw new HttpProblem(404);
  return Number(text);
}
