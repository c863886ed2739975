/**
 * The declarations of src/protocol/messages against Kafka's own: the JSON specs inside the kafka-clients jar. Names,
 * order, types, versions, nullability, tags, defaults and what may be dropped are compared version by version.
 */
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ALL_APIS } from '../../src/protocol/messages/index.ts';
import type { Field, Fields } from '../../src/protocol/schema.ts';
import { inRange, type Versions } from '../../src/protocol/versions.ts';
import { defaultOf } from '../support/arbitrary-message.ts';
import { kafkaLibDirectory } from '../support/kafka-jars.ts';
import { unzip } from '../support/zip.ts';

interface SpecField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: string | number | boolean;
  readonly ignorable?: boolean;
  readonly fields?: readonly SpecField[];
}
interface Spec {
  readonly apiKey: number;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly SpecField[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly SpecField[] }[];
}

const specs = new Map<string, Spec>();

beforeAll(async () => {
  const lib = await kafkaLibDirectory();
  const jar = readdirSync(lib).find((name) => /^kafka-clients-3\.9\.\d+\.jar$/.test(name));
  const files = unzip(readFileSync(path.join(lib, jar ?? '')), (name) => /^common\/message\/.*\.json$/.test(name));
  for (const text of files.values()) {
    const spec = JSON.parse(text.toString('utf8').replace(/^\s*\/\/.*$/gm, '')) as Spec;
    specs.set(spec.name, spec);
  }
});

function specOf(name: string): Spec {
  const spec = specs.get(name);
  if (spec === undefined) throw new Error(`the jar has no ${name}`);
  return spec;
}

const lowerCamel = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);
const isIn = (versions: string | undefined, version: number) =>
  versions !== undefined && versions !== 'none' && inRange(versions as Versions, version);

/** Kafka's default in our terms. */
function specDefault({ type, default: value, nullableVersions }: SpecField): unknown {
  if (value === 'null') return null;
  if (type.startsWith('[]')) return [];
  if (type === 'bool') return String(value ?? false) === 'true';
  if (type === 'string') return value ?? '';
  if (type === 'uuid') return 'AAAAAAAAAAAAAAAAAAAAAA';
  if (type === 'records') return null;
  if (/^(u?int\d+|float64)$/.test(type)) return Number(value ?? 0);
  // A struct: its default is told by its fields.
  return nullableVersions === undefined ? 'a struct' : (value ?? 'a struct');
}

/** One line for each field at one version, in wire order, structs and elements of arrays indented below theirs. */
function linesOfSpec(spec: Spec, fields: readonly SpecField[], version: number, indent = ''): string[] {
  return fields.flatMap((field) => {
    const name = indent + lowerCamel(field.name);
    const byDefault = JSON.stringify(specDefault(field));
    if (!isIn(field.versions, version))
      return [`${name} absent ${byDefault} ${field.ignorable ? 'ignorable' : 'kept'}`];
    const element = field.type.replace(/^\[\]/, '');
    const structFields = field.fields ?? spec.commonStructs?.find((struct) => struct.name === element)?.fields;
    const type = structFields === undefined ? field.type : field.type.replace(element, 'struct');
    const isNullable = isIn(field.nullableVersions, version) ? 'nullable' : 'never null';
    const isTagged = isIn(field.taggedVersions, version) && isIn(spec.flexibleVersions, version);
    const line = `${name} ${type} ${isNullable} ${isTagged ? `tag ${field.tag}` : 'untagged'} ${byDefault}`;
    return [line, ...linesOfSpec(spec, structFields ?? [], version, `${indent}  `)];
  });
}

function ourDefault(field: Field): unknown {
  const value = defaultOf(field);
  return field.kind === 'struct' && value !== null ? 'a struct' : value;
}

function linesOfOurs(fields: Fields, version: number, isFlexible: boolean, indent = ''): string[] {
  return Object.entries(fields).flatMap(([key, field]) => {
    const name = indent + key;
    const { options } = field;
    const byDefault = JSON.stringify(ourDefault(field));
    if (!inRange(options.versions, version)) {
      return [`${name} absent ${byDefault} ${options.ignorable ? 'ignorable' : 'kept'}`];
    }
    const type = field.element === null ? field.kind : `[]${field.element.kind}`;
    const isNullable = options.nullable !== undefined && inRange(options.nullable, version) ? 'nullable' : 'never null';
    const isTagged = isFlexible && options.tag !== undefined && inRange(options.tagged ?? options.versions, version);
    const line = `${name} ${type} ${isNullable} ${isTagged ? `tag ${options.tag}` : 'untagged'} ${byDefault}`;
    const inner = field.fields ?? field.element?.fields ?? {};
    return [line, ...linesOfOurs(inner, version, isFlexible, `${indent}  `)];
  });
}

describe('every declared message', () => {
  it('has the key and the versions of Kafka’s', () => {
    const ours = ALL_APIS.map(({ key, name, validVersions, flexibleVersions }) => ({
      ...{ key, name, validVersions, flexibleVersions: flexibleVersions ?? 'none' },
    }));
    const kafkas = ALL_APIS.map(({ name }) => {
      const { apiKey, validVersions, flexibleVersions } = specOf(`${name}Request`);
      return { key: apiKey, name, validVersions, flexibleVersions };
    });
    expect(ours).toEqual(kafkas);
    for (const { name, validVersions, flexibleVersions } of ALL_APIS) {
      expect(specOf(`${name}Response`)).toMatchObject({ validVersions, flexibleVersions: flexibleVersions ?? 'none' });
    }
  });

  it('has the fields of Kafka’s at every version', () => {
    for (const api of ALL_APIS) {
      for (let version = api.lowestVersion; version <= api.highestVersion; version++) {
        for (const [name, fields] of [
          [`${api.name}Request`, api.request],
          [`${api.name}Response`, api.response],
        ] as const) {
          const spec = specOf(name);
          const ours = linesOfOurs(fields, version, api.isFlexible(version));
          expect(ours, `${name} v${version}`).toEqual(linesOfSpec(spec, spec.fields, version));
        }
      }
    }
  });

  it('is compared with something', () => {
    const { fields } = specOf('ProduceRequest');
    expect(linesOfSpec(specOf('ProduceRequest'), fields, 9)).toContain('    records records nullable untagged null');
    expect(specs.size).toBeGreaterThan(100);
  });
});
