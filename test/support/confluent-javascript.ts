/**
 * Confluent's own client of the Schema Registry in JavaScript, with its serializers; installed once in .cache/ from the
 * package index, for it brings the clients of half a dozen clouds along.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { runOk } from './child-process.ts';

const PACKAGE = '@confluentinc/schemaregistry';
const VERSION = '1.10.1';
const ROOT = path.resolve(import.meta.dirname, '../..');

/** What tests use of it. */
export interface ConfluentJavascript {
  readonly SchemaRegistryClient: new (config: {
    readonly baseURLs: readonly string[];
    readonly maxRetries?: number;
  }) => RegistryClient;
  readonly AvroSerializer: new (client: RegistryClient, type: string, config: object) => Serializer;
  readonly AvroDeserializer: new (client: RegistryClient, type: string, config: object) => Deserializer;
  readonly SerdeType: { readonly KEY: string; readonly VALUE: string };
}

export interface RegistryClient {
  register(subject: string, schema: AvroText): Promise<number>;
  getLatestSchemaMetadata(subject: string): Promise<{ readonly id: number; readonly version?: number }>;
  getAllVersions(subject: string): Promise<number[]>;
  testSubjectCompatibility(subject: string, schema: AvroText): Promise<boolean>;
  updateCompatibility(subject: string, level: string): Promise<string>;
  getCompatibility(subject: string): Promise<string>;
  deleteSubject(subject: string, permanent?: boolean): Promise<number[]>;
}

export interface AvroText {
  readonly schemaType: 'AVRO';
  readonly schema: string;
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[];
}

interface Serializer {
  serialize(topic: string, value: object): Promise<Buffer>;
}

interface Deserializer {
  deserialize(topic: string, payload: Buffer): Promise<object>;
}

let loading: Promise<ConfluentJavascript> | null = null;

export function confluentJavascript(): Promise<ConfluentJavascript> {
  loading ??= load(path.join(ROOT, '.cache', `confluent-schemaregistry-${VERSION}`));
  return loading;
}

async function load(directory: string): Promise<ConfluentJavascript> {
  const mark = path.join(directory, 'complete');
  if (!existsSync(mark)) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, 'package.json'), '{"private":true}\n');
    const options = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
    await runOk('npm', ['install', ...options, `${PACKAGE}@${VERSION}`], { cwd: directory, timeoutMs: 300_000 });
    mkdirSync(mark);
  }
  const main = path.join(directory, 'node_modules', PACKAGE, 'dist/index.js');
  return (await import(pathToFileURL(main).href)) as ConfluentJavascript;
}
