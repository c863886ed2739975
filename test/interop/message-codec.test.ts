/**
 * Our codecs against Kafka's own: random messages of every api and random records of internal topics, at every version,
 * are written by us, read and written again by Kafka's generated classes, and must be the same bytes; Kafka's JSON of
 * them must say what we meant.
 */
import * as path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Errors, errorMessage, errorName, isRetriable } from '../../src/protocol/errors.ts';
import { ALL_APIS } from '../../src/protocol/messages/index.ts';
import type { Codec, Encodable, Fields } from '../../src/protocol/schema.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { arbitraryMessage } from '../support/arbitrary-message.ts';
import { runOk } from '../support/child-process.ts';
import { KAFKA_FOUR_VERSION, KAFKA_VERSION, kafkaLibDirectory } from '../support/kafka-jars.ts';
import { kafkaVersionOf, STORED_RECORDS } from '../support/message-specs.ts';

const MESSAGES_OF_EACH = 8;
/** A stored record begins with its version; Kafka's classes write what follows. */
const VERSION_BYTES = 2;
const JUDGE = path.join(import.meta.dirname, 'MessageCodec.java');

const MESSAGES = 'org.apache.kafka.common.message';
const RECORDS = 'org.apache.kafka.coordinator.group.generated';

async function askJava(kafkaVersion: string, input: string, ...args: string[]): Promise<string[]> {
  const lib = await kafkaLibDirectory(kafkaVersion);
  const { stdout } = await runOk('java', ['-cp', `${lib}/*`, JUDGE, ...args], { input, timeoutMs: 120_000 });
  return stdout.trimEnd().split('\n');
}

interface Case {
  readonly title: string;
  readonly value: Record<string, unknown>;
  readonly fields: Fields;
  readonly line: string;
  readonly hex: string;
}

/** `kafkaClass` and `kafkaMessageVersion` are what Kafka calls it. */
function casesOf(
  kafkaClass: string,
  kafkaMessageVersion: number,
  fields: Fields,
  version: number,
  encode: (value: Encodable<Fields>) => Buffer,
): Case[] {
  const values = fc.sample(arbitraryMessage(fields, version), MESSAGES_OF_EACH);
  return values.map((value) => {
    const hex = encode(value as Encodable<Fields>).toString('hex');
    const line = `${kafkaClass} ${kafkaMessageVersion} ${hex}`;
    return { title: line.slice(line.lastIndexOf('.', line.indexOf(' ')) + 1), value, fields, line, hex };
  });
}

function writing(codec: Codec<unknown, Encodable<Fields>>): (value: Encodable<Fields>) => Buffer {
  return (value) => {
    const writer = new Writer();
    codec.write(writer, value);
    return writer.finish();
  };
}

function messageCases(kafkaVersion: string): Case[] {
  return ALL_APIS.filter(({ name }) => kafkaVersionOf(name) === kafkaVersion).flatMap((api) => {
    const cases: Case[] = [];
    const name = `${MESSAGES}.${api.name}`;
    for (let version = api.lowestVersion; version <= api.highestVersion; version++) {
      const request = writing(api.requestCodec(version));
      const response = writing(api.responseCodec(version));
      cases.push(...casesOf(`${name}RequestData`, version, api.request, version, request));
      cases.push(...casesOf(`${name}ResponseData`, version, api.response, version, response));
    }
    return cases;
  });
}

function recordCases(kafkaVersion: string): Case[] {
  return STORED_RECORDS.filter(({ name }) => kafkaVersionOf(name) === kafkaVersion).flatMap((record) => {
    const cases: Case[] = [];
    const { name, fields, lowestVersion, highestVersion } = record;
    const kafkaClass = `${name.startsWith('ConsumerProtocol') ? MESSAGES : RECORDS}.${name}`;
    const isNumberedApart = kafkaVersion === KAFKA_FOUR_VERSION && name.endsWith('Key'); // all its keys have version 0
    for (let version = lowestVersion; version <= highestVersion; version++) {
      const body = (value: Encodable<Fields>) => record.encode(value, version).subarray(VERSION_BYTES);
      cases.push(...casesOf(kafkaClass, isNumberedApart ? 0 : version, fields, version, body));
    }
    return cases;
  });
}

/** Compares what Kafka put into its JSON; what it left out is a default or is not of the version. */
function expectSame(json: unknown, ours: unknown, where: string): void {
  if (Buffer.isBuffer(ours)) return; // Kafka's JSON leaves records empty; the bytes are compared anyway
  if (Array.isArray(json)) {
    expect(Array.isArray(ours) && ours.length, where).toBe(json.length);
    json.forEach((item, i) => {
      expectSame(item, (ours as unknown[])[i], `${where}[${i}]`);
    });
  } else if (typeof json === 'object' && json !== null) {
    for (const [key, item] of Object.entries(json)) {
      expectSame(item, (ours as Record<string, unknown>)[key], `${where}.${key}`);
    }
  } else {
    expect(ours, where).toBe(json);
  }
}

describe.each([KAFKA_VERSION, KAFKA_FOUR_VERSION])('what we write for Kafka %s', (kafkaVersion) => {
  it('is read by Kafka’s classes as we meant it and written again with the same bytes', async () => {
    const cases = [...messageCases(kafkaVersion), ...recordCases(kafkaVersion)];
    expect(cases.length).toBeGreaterThan(0);
    const answers = await askJava(kafkaVersion, cases.map(({ line }) => line).join('\n'));
    expect(answers).toHaveLength(cases.length);
    cases.forEach(({ title, value, hex }, i) => {
      const answer = answers[i] ?? '';
      const space = answer.indexOf(' ');
      expect(answer.slice(0, space), `${title}: ${answer.slice(0, 300)}`).toBe(hex);
      expectSame(JSON.parse(answer.slice(space + 1)), value, title.slice(0, 40));
    });
  });
});

describe('our errors', () => {
  it('have the codes, the names, the messages and the retriability of Kafka’s', async () => {
    const kafkas = await askJava(KAFKA_VERSION, '', 'errors');
    const ours = kafkas.map((_, i) => {
      const name = errorName(i - 1);
      return [Errors[name], name, isRetriable(name), errorMessage(name)].join('\t');
    });
    expect(ours).toEqual(kafkas);
  });
});
