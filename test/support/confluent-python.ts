/** A Python with confluent-kafka, which brings the newest librdkafka; made once in .cache/ from the package index. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { runOk } from './child-process.ts';

const CONFLUENT_KAFKA_VERSION = '2.16.1';
const ROOT = path.resolve(import.meta.dirname, '../..');

/** What its client of the Schema Registry needs; its own list asks for a newer certifi than an index may have. */
const REGISTRY_PACKAGES = ['attrs', 'cachetools', 'httpx', 'authlib', 'fastavro', 'typing-extensions', 'certifi'];

const made = new Map<string, Promise<string>>();

/** The path of the interpreter. */
export function confluentPython(): Promise<string> {
  return python(`confluent-kafka-${CONFLUENT_KAFKA_VERSION}`, []);
}

/** One whose confluent-kafka has its serializers for Avro. */
export function confluentAvroPython(): Promise<string> {
  return python(`confluent-kafka-avro-${CONFLUENT_KAFKA_VERSION}`, REGISTRY_PACKAGES);
}

function python(name: string, morePackages: readonly string[]): Promise<string> {
  const known = made.get(name);
  if (known !== undefined) return known;
  const making = make(path.join(ROOT, '.cache', name), morePackages);
  made.set(name, making);
  return making;
}

async function make(directory: string, morePackages: readonly string[]): Promise<string> {
  const interpreter = path.join(directory, 'bin/python3');
  const mark = path.join(directory, 'complete');
  if (existsSync(mark)) return interpreter;
  rmSync(directory, { recursive: true, force: true });
  await runOk('python3', ['-m', 'venv', directory], { timeoutMs: 120_000 });
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
  const packages = [`confluent-kafka==${CONFLUENT_KAFKA_VERSION}`, ...morePackages];
  await runOk(interpreter, [...install, ...packages], { timeoutMs: 300_000 });
  mkdirSync(mark);
  return interpreter;
}
