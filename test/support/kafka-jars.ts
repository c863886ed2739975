/**
 * Apache Kafka from Maven Central: the tools that judge Barnabas and the broker he is compared with. Fetched once into
 * .cache/ by the pom in test/interop/.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { runOk } from './child-process.ts';

export const KAFKA_VERSION = '3.9.1';
/** Its clients and tools speak what came after ZooKeeper: the newer protocol of consumer groups above all. */
export const KAFKA_FOUR_VERSION = '4.1.1';
const ROOT = path.resolve(import.meta.dirname, '../..');
const POM = path.join(ROOT, 'test/interop/pom.xml');

const fetched = new Map<string, Promise<string>>();

/** The folder with kafka_2.13, kafka-tools, kafka-clients, ZooKeeper (in 3.9) and all they need. */
export function kafkaLibDirectory(version: string = KAFKA_VERSION): Promise<string> {
  const known = fetched.get(version);
  if (known !== undefined) return known;
  const fetching = fetchJars(version);
  fetched.set(version, fetching);
  return fetching;
}

async function fetchJars(version: string): Promise<string> {
  const directory = path.join(ROOT, `.cache/kafka-${version}`);
  const lib = path.join(directory, 'lib');
  if (existsSync(lib)) return lib;
  // Fetched aside and renamed, so that a broken download is never taken for a whole one.
  const aside = `${directory}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  const settings = [`-Dkafka.version=${version}`, `-Dlib.directory=${path.join(aside, 'lib')}`];
  await runOk('mvn', ['-q', '-B', '-f', POM, ...settings, 'package'], { timeoutMs: 600_000 });
  try {
    renameSync(aside, directory);
  } catch (error) {
    if (!existsSync(lib)) throw error; // Else another process was faster.
    rmSync(aside, { recursive: true, force: true });
  }
  return lib;
}
