/** Avro by the REST Proxy on one side, by Avro Java, Kafka's own clients and confluent-kafka on the other. */
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { runOk } from '../support/child-process.ts';
import { confluentAvroPython } from '../support/confluent-python.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { avroLibDirectory, kafkaLibDirectory } from '../support/kafka-jars.ts';
import { useCluster } from '../support/use-cluster.ts';

const JAVA = path.join(import.meta.dirname, 'AvroRecords.java');
const PYTHON = path.resolve(import.meta.dirname, '../support/members/confluent_avro.py');
const AVRO = 'application/vnd.kafka.avro.v2+json';
const V2 = 'application/vnd.kafka.v2+json';

/** Every type that Avro has; a union of all that a union may hold; a type that refers to itself. */
const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Everything',
  namespace: 'org.example',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'small', type: 'int' },
    { name: 'ratio', type: 'double' },
    { name: 'share', type: 'float' },
    { name: 'isOn', type: 'boolean' },
    { name: 'nothing', type: 'null' },
    { name: 'text', type: 'string' },
    { name: 'raw', type: 'bytes' },
    { name: 'half', type: { type: 'fixed', name: 'Half', size: 2 } },
    { name: 'suit', type: { type: 'enum', name: 'Suit', symbols: ['HEARTS', 'SPADES'] } },
    { name: 'list', type: { type: 'array', items: 'long' } },
    { name: 'map', type: { type: 'map', values: ['null', 'string'] } },
    { name: 'either', type: ['null', 'boolean', 'long', 'string', 'bytes', 'Half', 'Suit'] },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'next', type: ['null', 'Everything'] },
  ],
});

/** Without spaces, numbers as Java prints them: a text that comes back has to be the same text. */
function valueText(id: string, either: string, next: string): string {
  const text = JSON.stringify('ä€𐍈 "quoted" \\ <b>');
  const members = [
    `"id":${id},"small":-7,"ratio":0.1,"share":1.5,"isOn":true,"nothing":null,"text":${text}`,
    `"raw":"\\u0000\\u00FFz","half":"\\u0000\\u0001","suit":"SPADES"`,
    '"list":[1,9007199254740993],"map":{"a":{"string":"b"},"c":null}',
    `"either":${either},"day":20000,"price":"\\u0001\\u00E2@","next":${next}`,
  ];
  return `{${members.join(',')}}`;
}

const LAST = valueText('-9223372036854775808', 'null', 'null');
const VALUES = [
  valueText('9223372036854775807', '{"long":9007199254740993}', `{"org.example.Everything":${LAST}}`),
  ...['{"boolean":false}', '{"string":"long"}', '{"bytes":"\\u0080"}', '{"org.example.Half":"zz"}'].map((either) =>
    valueText('1', either, 'null'),
  ),
  valueText('0', '{"org.example.Suit":"HEARTS"}', 'null'),
];

const cluster = useCluster({ overrides: WITH_HTTP });

async function java(args: readonly string[], input = ''): Promise<string[]> {
  const libs = [await kafkaLibDirectory(), await avroLibDirectory()].map((lib) => `${lib}/*`);
  const { stdout } = await runOk('java', ['-cp', libs.join(':'), JAVA, ...args], { input, timeoutMs: 120_000 });
  return stdout.split('\n').slice(0, -1);
}

async function ask(brokerId: number, url: string, init: RequestInit): Promise<string> {
  const response = await fetch(httpAddress(cluster().broker(brokerId)) + url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return text;
}

function post(brokerId: number, url: string, type: string, body: string): Promise<string> {
  return ask(brokerId, url, { method: 'POST', headers: { 'content-type': type }, body });
}

/** The same text however its letters are written: all but ASCII as escapes. Digits stay what they are. */
function escaped(text: string): string {
  return Array.from({ length: text.length }, (_, index) => escapedUnit(text.charCodeAt(index)))
    .join('')
    .replace(/\\u[0-9a-f]{4}/g, (unit) => `\\u${unit.slice(2).toUpperCase()}`);
}

function escapedUnit(unit: number): string {
  const isAscii = unit >= 0x20 && unit < 0x7f;
  return isAscii ? String.fromCharCode(unit) : `\\u${unit.toString(16).padStart(4, '0')}`;
}

it('what REST wrote Java reads, value by value and digit by digit', async () => {
  await createTopic(cluster(), 'from-rest', { partitions: 1, replicationFactor: 3 });
  const records = VALUES.map((value) => `{"value":${value}}`).join(',');
  await post(1, '/topics/from-rest', AVRO, `{"value_schema":${JSON.stringify(SCHEMA)},"records":[${records}]}`);
  const { bootstrap } = cluster();
  const registry = httpAddress(cluster().broker(3));
  const read = await java(['read', bootstrap, registry, 'from-rest', `${VALUES.length}`]);
  expect(read.map(escaped)).toEqual(VALUES.map(escaped));
});

it('what Java wrote REST reads, value by value and digit by digit', async () => {
  await createTopic(cluster(), 'from-java', { partitions: 1, replicationFactor: 3 });
  const body = JSON.stringify({ schema: SCHEMA });
  const registered = await post(2, '/subjects/from-java-value/versions', 'application/json', body);
  const { id } = JSON.parse(registered) as { id: number };
  await java(
    ['write', cluster().bootstrap, 'from-java', `${id}`, SCHEMA],
    VALUES.map((value) => `${value}\n`).join(''),
  );
  const config = '{"name":"reader","format":"avro","auto.offset.reset":"earliest"}';
  await post(2, '/consumers/rest-readers', V2, config);
  const instance = '/consumers/rest-readers/instances/reader';
  await post(2, `${instance}/subscription`, V2, '{"topics":["from-java"]}');
  const found: string[] = [];
  while (found.length < VALUES.length) {
    const text = await ask(2, `${instance}/records`, { headers: { accept: AVRO } });
    for (const [, value = ''] of text.matchAll(/"value":(\{.*?\}),"partition":0,"offset":\d+\}/g)) found.push(value);
  }
  expect(found.map(escaped)).toEqual(VALUES.map(escaped));
});

it('confluent-kafka reads what REST wrote', async () => {
  const topic = 'users';
  await createTopic(cluster(), topic, { partitions: 1, replicationFactor: 3 });
  const fields = [
    { name: 'id', type: 'int' },
    { name: 'email', type: ['null', 'string'], default: null },
  ];
  const schema = JSON.stringify({ type: 'record', name: 'User', fields });
  const records = '[{"value":{"id":1,"email":{"string":"ann@example.org"}}},{"value":{"id":2,"email":null}}]';
  await post(3, `/topics/${topic}`, AVRO, `{"value_schema":${JSON.stringify(schema)},"records":${records}}`);
  const { bootstrap } = cluster();
  const registry = httpAddress(cluster().broker(1));
  const command = JSON.stringify({ name: 'consume', bootstrap, registry, topic, count: 2 });
  const { stdout } = await runOk(await confluentAvroPython(), [PYTHON, command], { timeoutMs: 120_000 });
  const values = [
    { id: 1, email: 'ann@example.org' },
    { id: 2, email: null },
  ];
  expect(JSON.parse(stdout)).toEqual({ values });
});
