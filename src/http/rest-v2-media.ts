/**
 * What all routes of v2 of the REST Proxy have in common: content types, and names in paths that are looked at once.
 *
 * Guarantees: an answer is of a type that the client takes, or it is 406; a topic that is named in a path is one that
 * Kafka could have.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { invalidTopicName } from '../model/topic-names.ts';
import type { FormatName } from '../rest/embedded-format.ts';
import { invalidTopic } from '../rest/rest-errors.ts';
import { acceptedType } from './accept.ts';
import { describer } from './api-description.ts';
import { HttpProblem } from './problem.ts';

export const V2_TYPE = 'application/vnd.kafka.v2+json';
/** Of answers. Confluent's has but the first; it is the same JSON. */
export const V2_TYPES: readonly string[] = [V2_TYPE, 'application/json'];

/** Formats by the type of what embeds them; what says nothing of embedded data has it as binary. */
export const V2_FORMATS: ReadonlyMap<string, FormatName> = new Map([
  ['application/vnd.kafka.binary.v2+json', 'binary'],
  ['application/vnd.kafka.json.v2+json', 'json'],
  ['application/vnd.kafka.avro.v2+json', 'avro'],
  [V2_TYPE, 'binary'],
  ['application/json', 'binary'],
]);

/** For routes without embedded data. */
export const describeV2 = describer('REST Proxy v2', { consumes: V2_TYPES, produces: V2_TYPES });

/** Chooses among these types for every answer of the scope. */
export function answerWith(app: FastifyInstance, offered: readonly string[]): void {
  app.addHook('onRequest', async (request, reply) => {
    agreeOnType(request, reply, offered);
  });
}

/** The type of the answer, a refusal's included. @throws HttpProblem 406 when the client takes none of these */
export function agreeOnType(request: FastifyRequest, reply: FastifyReply, offered: readonly string[]): string {
  const type = acceptedType(request.headers.accept, offered);
  if (type === null) throw new HttpProblem(406);
  request.agreedType = type;
  reply.header('content-type', type);
  return type;
}

/** The part of the path named `topic`. @throws RestError 40002 */
export function topicOf({ params }: FastifyRequest): string {
  const { topic = '' } = params as { readonly topic?: string };
  const reason = invalidTopicName(topic);
  if (reason !== null) throw invalidTopic(reason);
  return topic;
}

/** The part of the path named `partition`. @throws HttpProblem 404 when it is no number */
export function partitionOf({ params }: FastifyRequest): number {
  const { partition = '' } = params as { readonly partition?: string };
  if (!/^\d{1,10}$/.test(partition) || Number(partition) > 0x7fff_ffff) throw new HttpProblem(404);
  return Number(partition);
}
