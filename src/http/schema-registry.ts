/**
 * The Schema Registry of Confluent over HTTP, for Avro: its paths, content types and error bodies.
 *
 * Guarantees: every route is answered by the leader of `_schemas`-0; a broker that is not it passes the request on as
 * it came, once, and hands back what the leader said.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { acceptedType } from './accept.ts';
import { HttpProblem } from './problem.ts';
import { parsePlainJson } from '../registry/json-text.ts';
import { leaderUnknown, RegistryError } from '../registry/registry-errors.ts';
import { ABOUT, BODY_TYPES, CONTENT_TYPE, MEDIA_TYPES, ROOT_TYPES, SCHEMAS } from './registry-descriptions.ts';
import {
  compatibilityRoutes,
  type RegistryPort,
  schemaRoutes,
  settingRoutes,
  subjectRoutes,
} from './registry-routes.ts';

/** A request that another broker is to answer. */
export interface ForwardedRequest {
  readonly method: string;
  /** The path with its query. */
  readonly url: string;
  /** The body as JSON; empty when there is none. */
  readonly body: string;
}

export interface ForwardedReply {
  readonly status: number;
  readonly body: string;
}

export interface SchemaRegistryRoutes {
  readonly registry: RegistryPort;
  /** Rejects with a RegistryError when nobody can be asked. Resolves with null when it is this broker, after all. */
  readonly forward: (request: ForwardedRequest) => Promise<ForwardedReply | null>;
  readonly clusterId: string;
  /** Of Barnabas. */
  readonly version: string;
}

/** Says that a request was passed on: it is not passed on again. */
export const FORWARDED_HEADER = 'x-forward';
const BAD_REQUEST = 400;
const LEADER_UNKNOWN = 50004;

export function schemaRegistryRoutes(options: SchemaRegistryRoutes): FastifyPluginAsync {
  const { registry, forward } = options;
  return async (app) => {
    readBodies(app);
    app.addHook('onRequest', async ({ headers, routeOptions }, reply) => {
      const offered = routeOptions.url === '/' ? ROOT_TYPES : MEDIA_TYPES;
      const type = acceptedType(headers.accept, offered);
      reply.header('content-type', type ?? CONTENT_TYPE);
      if (type === null) throw new HttpProblem(406);
    });
    app.setErrorHandler((error, _request, reply) => {
      // Faults of ours and refusals of the server are told by it.
      if (!(error instanceof RegistryError)) throw error;
      return refuse(reply, error);
    });
    aboutRoutes(app, options);
    await app.register(async (asked) => {
      asked.addHook('preHandler', async (request, reply) => {
        if (registry.isLeader) return;
        if (request.headers[FORWARDED_HEADER] !== undefined) throw leaderUnknown();
        const answered = await forward(forwarded(request));
        if (answered === null) return;
        return reply.code(answered.status).send(answered.body);
      });
      asked.setErrorHandler(async (error, request, reply) => {
        // The leadership ended before the answer was committed: the next leader knows, and to be asked twice changes
        // nothing, except for deletions.
        const isOver = error instanceof RegistryError && error.code === LEADER_UNKNOWN && request.method !== 'DELETE';
        if (!isOver || registry.isLeader || request.headers[FORWARDED_HEADER] !== undefined) throw error;
        const answered = await forward(forwarded(request));
        if (answered === null) throw error;
        return reply.code(answered.status).header('content-type', CONTENT_TYPE).send(answered.body);
      });
      subjectRoutes(asked, registry);
      schemaRoutes(asked, registry);
      compatibilityRoutes(asked, registry);
      settingRoutes(asked, registry);
    });
  };
}

/** What every broker knows. */
function aboutRoutes(app: FastifyInstance, { clusterId, version }: SchemaRegistryRoutes): void {
  const scope = { path: [], clusters: { 'kafka-cluster': clusterId, 'schema-registry-cluster': 'schema-registry' } };
  const answers: [string, unknown, FastifySchema][] = [
    ['/', {}, ABOUT.root],
    ['/contexts', ['.'], ABOUT.contexts],
    ['/schemas/types', ['AVRO'], SCHEMAS.types],
    ['/v1/metadata/id', { scope, id: '' }, ABOUT.id],
    ['/v1/metadata/version', { version, commitId: '' }, ABOUT.version],
  ];
  for (const [path, answer, schema] of answers) app.get(path, { schema }, async () => JSON.stringify(answer));
}

/** JSON in whichever of the types; no other type is taken. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...BODY_TYPES], { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : parsePlainJson(String(body)));
    } catch (error) {
      done(new RegistryError(BAD_REQUEST, `Malformed JSON: ${error instanceof Error ? error.message : ''}`));
    }
  });
}

function forwarded({ method, url, body }: FastifyRequest): ForwardedRequest {
  return { method, url, body: body === undefined || body === null ? '' : JSON.stringify(body) };
}

function refuse(reply: FastifyReply, { status, code, message }: RegistryError): FastifyReply {
  return reply
    .code(status)
    .header('content-type', CONTENT_TYPE)
    .send(JSON.stringify({ error_code: code, message }));
}
