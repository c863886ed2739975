/**
 * The declarations of src/protocol/messages and src/protocol/internal against Kafka's own: the JSON specs inside its
 * jars. Names, order, types, versions, nullability, tags, defaults and what may be dropped are compared version by
 * version: with 3.9, and with Kafka 4 what 3.9 has only a preview of.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { ALL_APIS } from '../../src/protocol/messages/index.ts';
import type { StoredRecord } from '../../src/protocol/stored-record.ts';
import { KAFKA_FOUR_VERSION, KAFKA_VERSION } from '../support/kafka-jars.ts';
import {
  kafkaSpecs,
  kafkaVersionOf,
  linesOfOurs,
  linesOfSpec,
  type Spec,
  STORED_RECORDS,
} from '../support/message-specs.ts';

const specsOf = new Map<string, ReadonlyMap<string, Spec>>();

beforeAll(async () => {
  for (const version of [KAFKA_VERSION, KAFKA_FOUR_VERSION]) specsOf.set(version, await kafkaSpecs(version));
});

function specOf(name: string, kafkaVersion = kafkaVersionOf(name)): Spec {
  const spec = specsOf.get(kafkaVersion)?.get(name);
  if (spec === undefined) throw new Error(`the jars of Kafka ${kafkaVersion} have no ${name}`);
  return spec;
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
          const ours = linesOfOurs(fields, version, api.isFlexible(version));
          expect(ours, `${name} v${version}`).toEqual(linesOfSpec(specOf(name), version));
        }
      }
    }
  });

  it('that is Kafka 4’s is at version 0 the one of 3.9', () => {
    const isThere = (line: string) => !/^ *\w+ absent /.test(line);
    const ofFour = ALL_APIS.filter(({ name }) => kafkaVersionOf(name) === KAFKA_FOUR_VERSION);
    expect(ofFour.map(({ key }) => key)).toEqual([68, 69]);
    for (const { name, request, response } of ofFour) {
      for (const [message, fields] of [
        [`${name}Request`, request],
        [`${name}Response`, response],
      ] as const) {
        const spec = specOf(message, KAFKA_VERSION);
        expect(linesOfOurs(fields, 0, true).filter(isThere), message).toEqual(linesOfSpec(spec, 0));
      }
    }
  });

  it('is compared with something', () => {
    expect(linesOfSpec(specOf('ProduceRequest'), 9)).toContain('    records records nullable untagged null');
    for (const specs of specsOf.values()) expect(specs.size).toBeGreaterThan(100);
  });
});

/**
 * Kafka 4.1 numbers a key in its apiKey and has one version of each; before, as here, the version of a key was its
 * number.
 */
function versionsOf(spec: Spec, record: StoredRecord): { valid: string; inSpec: (version: number) => number } {
  const isNumberedApart = spec.apiKey !== undefined && record.name.endsWith('Key');
  return {
    valid: isNumberedApart ? String(spec.apiKey) : spec.validVersions,
    inSpec: (version) => (isNumberedApart ? 0 : version),
  };
}

describe('every stored record', () => {
  it('has the versions of Kafka’s', () => {
    for (const record of STORED_RECORDS) {
      const { lowestVersion: lowest, highestVersion: highest } = record;
      const ours = lowest === highest ? `${lowest}` : `${lowest}-${highest}`;
      expect(ours, record.name).toBe(versionsOf(specOf(record.name), record).valid);
    }
  });

  it('has the fields of Kafka’s at every version', () => {
    for (const record of STORED_RECORDS) {
      const spec = specOf(record.name);
      const { inSpec } = versionsOf(spec, record);
      for (let version = record.lowestVersion; version <= record.highestVersion; version++) {
        const ours = linesOfOurs(record.fields, version, record.isFlexible(version));
        expect(ours, `${record.name} v${version}`).toEqual(linesOfSpec(spec, inSpec(version)));
      }
    }
  });
});
