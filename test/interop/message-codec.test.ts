/**
 * Our codecs against Kafka's own: random messages of every api at every version are written by us, read and written
 * again by the generated classes of kafka-clients, and must be the same bytes; Kafka's JSON of them must say what we
 * meant.
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
import { kafkaLibDirectory } from '../support/kafka-jars.ts';

const MESSAGES_OF_EACH = 8;
const JUDGE = path.join(import.meta.dirname, 'MessageCodec.java');

async function askJava(input: string, ...args: string[]): Promise<string[]> {
  const lib = await kafkaLibDirectory();
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

function casesOf(name: string, fields: Fields, version: number, codec: Codec<unknown, Encodable<Fields>>): Case[] {
  const values = fc.sample(arbitraryMessage(fields, version), MESSAGES_OF_EACH);
  return values.map((value) => {
    const writer = new Writer();
    codec.write(writer, value as Encodable<Fields>);
    const hex = writer.finish().toString('hex');
    return { title: `${name} v${version} ${hex}`, value, fields, line: `${name} ${version} ${hex}`, hex };
  });
}

const CASES = ALL_APIS.flatMap((api) => {
  const cases: Case[] = [];
  for (let version = api.lowestVersion; version <= api.highestVersion; version++) {
    cases.push(...casesOf(`${api.name}Request`, api.request, version, api.requestCodec(version)));
    cases.push(...casesOf(`${api.name}Response`, api.response, version, api.responseCodec(version)));
  }
  return cases;
});

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

describe('what we write', () => {
  it('is read by Kafka’s classes as we meant it and written again with the same bytes', async () => {
    const answers = await askJava(CASES.map(({ line }) => line).join('\n'));
    expect(answers).toHaveLength(CASES.length);
    CASES.forEach(({ title, value, hex }, i) => {
      const answer = answers[i] ?? '';
      const space = answer.indexOf(' ');
      expect(answer.slice(0, space), `${title}: ${answer.slice(0, 300)}`).toBe(hex);
      expectSame(JSON.parse(answer.slice(space + 1)), value, title.slice(0, 40));
    });
  });
});

describe('our errors', () => {
  it('have the codes, the names, the messages and the retriability of Kafka’s', async () => {
    const kafkas = await askJava('', 'errors');
    const ours = kafkas.map((_, i) => {
      const name = errorName(i - 1);
      return [Errors[name], name, isRetriable(name), errorMessage(name)].join('\t');
    });
    expect(ours).toEqual(kafkas);
  });
});
