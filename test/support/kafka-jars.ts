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
/** What Schema Registries are built with that most clients meet. */
const AVRO_VERSION = '1.12.1';
const ROOT = path.resolve(import.meta.dirname, '../..');

const fetched = new Map<string, Promise<string>>();

/** The folder with kafka_2.13, kafka-tools, kafka-clients, ZooKeeper (in 3.9) and all they need. */
export function kafkaLibDirectory(version: string = KAFKA_VERSION): Promise<string> {
  return libDirectory('kafka', version, 'pom.xml');
}

/** The folder with Avro Java and all it needs. */
export function avroLibDirectory(): Promise<string> {
  return libDirectory('avro', AVRO_VERSION, 'avro-pom.xml');
}

function libDirectory(name: string, version: string, pom: string): Promise<string> {
  const key = `${name}-${version}`;
  const known = fetched.get(key);
  if (known !== undefined) return known;
  const settings = [`-D${name}.version=${version}`];
  const fetching = fetchJars(path.join(ROOT, '.cache', key), path.join(ROOT, 'test/interop', pom), settings);
  fetched.set(key, fetching);
  return fetching;
}

async function fetchJars(directory: string, pom: string, version: readonly string[]): Promise<string> {
  const lib = path.join(directory, 'lib');
  if (existsSync(lib)) return lib;
  // Fetched aside and renamed, so that a broken download is never taken for a whole one.
  const aside = `${directory}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  const settings = [...version, `-Dlib.directory=${path.join(aside, 'lib')}`];
  await runOk('mvn', ['-q', '-B', '-f', pom, ...settings, 'package'], { timeoutMs: 600_000 });
  try {
    renameSync(aside, directory);
  } catch (error) {
    if (!existsSync(lib)) throw error; // Else another process was faster.
    rmSync(aside, { recursive: true, force: true });
  }
  return lib;
}
