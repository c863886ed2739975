/** A Python with confluent-kafka, which brings the newest librdkafka; made once in .cache/ from the package index. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { runOk } from './child-process.ts';

const CONFLUENT_KAFKA_VERSION = '2.16.1';
const ROOT = path.resolve(import.meta.dirname, '../..');

let made: Promise<string> | null = null;

/** The path of the interpreter. */
export function confluentPython(): Promise<string> {
  made ??= make();
  return made;
}

async function make(): Promise<string> {
  const directory = path.join(ROOT, `.cache/confluent-kafka-${CONFLUENT_KAFKA_VERSION}`);
  const python = path.join(directory, 'bin/python3');
  const mark = path.join(directory, 'complete');
  if (existsSync(mark)) return python;
  rmSync(directory, { recursive: true, force: true });
  await runOk('python3', ['-m', 'venv', directory], { timeoutMs: 120_000 });
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
  await runOk(python, [...install, `confluent-kafka==${CONFLUENT_KAFKA_VERSION}`], { timeoutMs: 300_000 });
  mkdirSync(mark);
  return python;
}
