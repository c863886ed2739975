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

/** Describes the routes of one tag. */
export function describer(tag: Tag, { consumes, produces }: MediaTypes = {}): Describe {
  return (summary, { description, params, query, body, answer, answers } = {}) => {
    const schema: Record<string, unknown> = { tags: [tag], summary };
    if (description !== undefined) schema['description'] = description;
    if (params !== undefined) schema['params'] = { type: 'object', properties: described(params) };
    if (query !== undefined) schema['querystring'] = { type: 'object', properties: described(query) };
    if (body !== undefined) schema['body'] = body;
    if (body !== undefined && consumes !== undefined) schema['consumes'] = consumes;
    if (produces !== undefined) schema['produces'] = produces;
    const all = answers ?? { 200: answer === undefined ? ANYTHING : answer };
    const named = Object.entries(all).map(([status, answered]) => [status, answered ?? NOTHING]);
    schema['response'] = { ...Object.fromEntries(named), default: PROBLEM };
    return schema as FastifySchema;
  };
}

function described(parts: { readonly [name: string]: JsonSchema | string }): { [name: string]: JsonSchema } {
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [
      name,
      typeof part === 'string' ? { type: 'string', description: part } : part,
    ]),
  );
}
