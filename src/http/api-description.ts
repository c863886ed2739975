/**
 * @pure How routes describe themselves for the OpenAPI document: `app.get(path, { schema: describe(…) }, handler)`.
 *
 * Guarantees: a description changes nothing of what a route takes or answers (see server.ts); every route says which
 * problem body it refuses with.
 */
// Adds tags, summary and the like to fastify's schemas.
import type {} from '@fastify/swagger';
import type { FastifySchema } from 'fastify';

/** A schema of OpenAPI 3.1, which is one of JSON Schema 2020-12. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly (string | number | boolean | null)[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly oneOf?: readonly JsonSchema[];
  readonly examples?: readonly unknown[];
}

/** What an answer is, for fastify's plugin; it would go before the description of the schema. */
const RESPONSE_DESCRIPTION = 'x-response-description';

/** The parts of the API, in the order of the document. */
export const TAGS = [
  { name: 'Schema Registry', description: "Schemas and their versions, as Confluent's Schema Registry has them" },
  { name: 'REST Proxy v2', description: "Topics, records and consumers, as Confluent's REST Proxy has them" },
  { name: 'REST Proxy v3', description: 'The cluster, its topics, configurations and groups, and records' },
  { name: 'Tail', description: 'New records of a topic as they come' },
  { name: 'Health and metrics', description: 'For orchestrators, load balancers and Prometheus' },
] as const;
export type Tag = (typeof TAGS)[number]['name'];

/** What a route says of itself beside its summary; a text instead of a schema is a string with that description. */
export interface RouteParts {
  /** Where the summary is not enough. */
  readonly description?: string;
  /** Parts of the path. */
  readonly params?: { readonly [name: string]: JsonSchema | string };
  readonly query?: { readonly [name: string]: JsonSchema | string };
  readonly body?: JsonSchema;
  /** By content type, where each has another one. */
  readonly bodies?: { readonly [contentType: string]: JsonSchema };
  /** What is answered with status 200; null where there is nothing to read. */
  readonly answer?: JsonSchema | null;
  /** By status, where it is another one than 200, or more than one. */
  readonly answers?: { readonly [status: string]: JsonSchema | null };
}

/** The content types of a family of routes. */
export interface MediaTypes {
  /** Of bodies. */
  readonly consumes?: readonly string[];
  /** Of answers, the usual one first. */
  readonly produces?: readonly string[];
}

export type Describe = (summary: string, parts?: RouteParts) => FastifySchema;

export const ANYTHING: JsonSchema = {};
export const STRING: JsonSchema = { type: 'string' };
export const BOOLEAN: JsonSchema = { type: 'boolean' };
export const INT32: JsonSchema = { type: 'integer', format: 'int32' };
export const INT64: JsonSchema = { type: 'integer', format: 'int64' };

export function listOf(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

/** A text that is one of a few. */
export function oneOf(...values: readonly string[]): JsonSchema {
  return { type: 'string', enum: values };
}

export function nullable(schema: JsonSchema): JsonSchema {
  return { oneOf: [schema, { type: 'null' }] };
}

/** An object; `required` lists the members that it always has, or that it must have. */
export function shape(
  properties: { readonly [name: string]: JsonSchema },
  required: readonly string[] = [],
): JsonSchema {
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

/** An object with any names. */
export function mapOf(additionalProperties: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties };
}

/** The same, said of what it is as an answer or a body. */
export function named(description: string, schema: JsonSchema): JsonSchema {
  return { ...schema, description };
}

/** With a body that somebody might send. */
export function withExample(schema: JsonSchema, example: unknown): JsonSchema {
  return { ...schema, examples: [example] };
}

/** An answer without a body. */
const NOTHING: JsonSchema = { type: 'null', description: 'Done; there is nothing to read' };

const PROBLEM: JsonSchema = {
  ...shape(
    {
      error_code: { ...INT32, description: 'The status or, with more to say, five digits that begin with it' },
      message: STRING,
    },
    ['error_code', 'message'],
  ),
  description: 'Why it was refused',
};

/** Refusals are JSON whatever is answered else. */
function refusalOf(produces: readonly string[]): object {
  const isJson = produces.every((type) => type.endsWith('json'));
  if (isJson) return PROBLEM;
  return { description: PROBLEM.description, content: { 'application/json': { schema: PROBLEM } } };
}

/** Describes the routes of one tag. What an answer does not say of itself the summary says. */
export function describer(tag: Tag, { consumes, produces }: MediaTypes = {}): Describe {
  return (summary, { description, params, query, body, bodies, answer, answers } = {}) => {
    const schema: Record<string, unknown> = { tags: [tag], summary };
    if (description !== undefined) schema['description'] = description;
    if (params !== undefined) schema['params'] = { type: 'object', properties: described(params) };
    if (query !== undefined) schema['querystring'] = { type: 'object', properties: described(query) };
    if (body !== undefined) schema['body'] = body;
    if (body !== undefined && consumes !== undefined) schema['consumes'] = consumes;
    if (bodies !== undefined)
      schema['body'] = {
        content: Object.fromEntries(Object.entries(bodies).map(([type, of]) => [type, { schema: of }])),
      };
    if (produces !== undefined) schema['produces'] = produces;
    const all = answers ?? { 200: answer === undefined ? ANYTHING : answer };
    const told = Object.entries(all).map(([status, answered]) => [status, toldOf(answered ?? NOTHING, summary)]);
    schema['response'] = { ...Object.fromEntries(told), default: refusalOf(produces ?? []) };
    return schema as FastifySchema;
  };
}

function toldOf(answer: JsonSchema, summary: string): object {
  return answer.description === undefined ? { ...answer, [RESPONSE_DESCRIPTION]: summary } : answer;
}

function described(parts: { readonly [name: string]: JsonSchema | string }): { [name: string]: JsonSchema } {
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [
      name,
      typeof part === 'string' ? { type: 'string', description: part } : part,
    ]),
  );
}
