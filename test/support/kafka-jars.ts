/**
 * Apache Kafka 3.9 from Maven Central: the tools that judge Barnabas and the broker he is compared with. Fetched once
 * into .cache/ by the pom in test/interop/.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { runOk } from './child-process.ts';

export const KAFKA_VERSION = '3.9.1';
const ROOT = path.resolve(import.meta.dirname, '../..');
const POM = path.join(ROOT, 'test/interop/pom.xml');

let fetched: Promise<string> | null = null;

/** The folder with kafka_2.13, kafka-tools, kafka-clients, ZooKeeper and all they need. */
export function kafkaLibDirectory(): Promise<string> {
  fetched ??= fetchJars();
  return fetched;
}

async function fetchJars(): Promise<string> {
  const directory = path.join(ROOT, `.cache/kafka-${KAFKA_VERSION}`);
  const lib = path.join(directory, 'lib');
  if (existsSync(lib)) return lib;
  // Fetched aside and renamed, so that a broken download is never taken for a whole one.
  const aside = `${directory}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  const settings = [`-Dkafka.version=${KAFKA_VERSION}`, `-Dlib.directory=${path.join(aside, 'lib')}`];
  await runOk('mvn', ['-q', '-B', '-f', POM, ...settings, 'package'], { timeoutMs: 600_000 });
  try {
    renameSync(aside, directory);
  } catch (error) {
    if (!existsSync(lib)) throw error; // Else another process was faster.
    rmSync(aside, { recursive: true, force: true });
  }
  return lib;
}
