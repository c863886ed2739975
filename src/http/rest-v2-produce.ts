/**
 * v2 of the REST Proxy: records are posted to a topic or to one of its partitions, in the format that the content type
 * of the body says.
 */
import { Readable } from 'node:stream';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { FormatName } from '../rest/embedded-format.ts';
import {
  type MadeRecords,
  makeRecords,
  type PostedRecords,
  type ProduceResponse,
  type ProductionTools,
  statusOf,
  writeRecords,
} from '../rest/record-production.ts';
import { badRequest } from '../rest/rest-errors.ts';
import {
  ANYTHING,
  describer,
  INT32,
  INT64,
  type JsonSchema,
  listOf,
  named,
  nullable,
  shape,
  STRING,
  withExample,
} from './api-description.ts';
import type { BodyBudget } from './body-budget.ts';
import { answerWith, partitionOf, topicOf, V2_FORMATS, V2_TYPES } from './rest-v2-media.ts';

/** Confluent's has them where it has a registry for them. */
const MISSING_FORMATS: ReadonlyMap<string, string> = new Map([
  ['application/vnd.kafka.jsonschema.v2+json', 'JSONSCHEMA'],
  ['application/vnd.kafka.protobuf.v2+json', 'PROTOBUF'],
]);
/** Of one body. */
export const MAX_PRODUCE_BYTES = 16 * 1024 * 1024;
/** More are told of piece by piece. */
const MANY_RECORDS = 1000;

const describe = describer('REST Proxy v2', { produces: V2_TYPES });
const SCHEMAS = {
  key_schema: { ...STRING, description: 'The schema of the keys, registered under <topic>-key' },
  key_schema_id: { ...INT32, description: 'Instead of the schema: its id' },
  value_schema: { ...STRING, description: 'The schema of the values, registered under <topic>-value' },
  value_schema_id: { ...INT32, description: 'Instead of the schema: its id' },
};
const BASE64: JsonSchema = { ...nullable({ ...STRING, format: 'byte' }), description: 'In base64' };
const DATUM = { ...ANYTHING, description: 'Avro\'s JSON: unions as {"type": value}' };
const recordsOf = (data: JsonSchema): { readonly records: JsonSchema } => ({
  records: listOf(shape({ key: data, value: data, partition: INT32 })),
});
const BODY_OF: { readonly [F in FormatName]: JsonSchema } = {
  binary: withExample(shape(recordsOf(BASE64), ['records']), { records: [{ key: 'a2V5', value: 'aGVsbG8=' }] }),
  json: withExample(shape(recordsOf(ANYTHING), ['records']), {
    records: [{ key: 'ann', value: { id: 1, name: 'Ann' } }],
  }),
  avro: withExample(shape({ ...recordsOf(DATUM), ...SCHEMAS }, ['records']), {
    value_schema_id: 1,
    records: [{ value: { id: 1, name: 'Ann' } }],
  }),
};
const BODIES = Object.fromEntries([...V2_FORMATS].map(([type, format]) => [type, BODY_OF[format]]));
const PRODUCED = shape({
  partition: nullable(INT32),
  offset: nullable(INT64),
  error_code: { ...nullable(INT32), description: '50003 when another try may help, 50002 when not' },
  error: nullable(STRING),
});
const ANSWER = named(
  'What became of each record, in their order',
  shape({
    offsets: listOf(PRODUCED),
    key_schema_id: nullable(INT32),
    value_schema_id: nullable(INT32),
  }),
);
const TOPIC = 'The name of the topic';
const ROUTES = {
  topic: describe('Produce records to a topic', { params: { topic: TOPIC }, bodies: BODIES, answer: ANSWER }),
  partition: describe('Produce records to one partition', {
    params: { topic: TOPIC, partition: { ...INT32, description: 'Its number, from 0 on' } },
    bodies: BODIES,
    answer: ANSWER,
  }),
};

export function restV2Produce(tools: ProductionTools, budget: BodyBudget): FastifyPluginAsync {
  return async (app) => {
    answerWith(app, V2_TYPES);
    // As texts: which digits of a number count is for the format to say.
    budget.watch(app, [...V2_FORMATS.keys(), ...MISSING_FORMATS.keys()]);
    const answer = async (request: FastifyRequest, reply: FastifyReply, partition: number | null) => {
      const topic = topicOf(request);
      const made = await madeOf(request, { format: formatOf(request), topic, partition, body: bodyOf(request) });
      const response = await writeRecords(tools, topic, made);
      reply.code(statusOf(response));
      return response.offsets.length > MANY_RECORDS
        ? reply.send(Readable.from(piecesOf(response), { objectMode: false }))
        : reply.send(response);
    };
    const madeOf = (request: FastifyRequest, posted: PostedRecords): Promise<MadeRecords> =>
      budget.whenInTurn(posted.body, posted.format === 'avro', async () => {
        const made = await makeRecords(tools, posted, (count) => budget.holdPieces(request, count));
        budget.holdPieces(request, made.records.length);
        return made;
      });
    app.post('/topics/:topic', { schema: ROUTES.topic }, (request, reply) =>
      budget.whileWorking(request, () => answer(request, reply, null)),
    );
    app.post('/topics/:topic/partitions/:partition', { schema: ROUTES.partition }, (request, reply) =>
      budget.whileWorking(request, async () => answer(request, reply, partitionOf(request))),
    );
  };
}

function bodyOf({ body }: FastifyRequest): string {
  return typeof body === 'string' ? body : '';
}

/** The same JSON as of a short one; others have their turn in between. */
function* piecesOf({ offsets, ...more }: ProduceResponse): Generator<string, void, undefined> {
  let separator = '{"offsets":[';
  for (let start = 0; start < offsets.length; start += MANY_RECORDS) {
    const piece = JSON.stringify(offsets.slice(start, start + MANY_RECORDS));
    yield separator + piece.slice(1, -1);
    separator = ',';
  }
  yield `],${JSON.stringify(more).slice(1)}`;
}

/** @throws RestError for a format that there is no registry for */
function formatOf({ headers }: FastifyRequest): FormatName {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const missing = MISSING_FORMATS.get(type);
  if (missing !== undefined) throw badRequest(`Raw schema not supported with format = ${missing}`);
  return V2_FORMATS.get(type) ?? 'binary';
}
