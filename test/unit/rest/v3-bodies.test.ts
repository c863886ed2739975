/** Whatever somebody sends to the API v3 is understood or refused, and never a fault of ours. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RestError } from '../../../src/rest/rest-errors.ts';
import {
  configChangesOf,
  configValueOf,
  newTopicOf,
  partitionsCountOf,
  readBody,
  topicsChangesOf,
} from '../../../src/rest/v3-bodies.ts';

const READERS = { newTopicOf, partitionsCountOf, configValueOf, configChangesOf, topicsChangesOf };
const MEMBERS = [
  'topic_name',
  'partitions_count',
  'replication_factor',
  'replicas_assignments',
  'configs',
  'validate_only',
  'data',
  'name',
  'value',
  'operation',
  '__proto__',
];

/** JSON of nearly the right shape. */
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 'true', '3', 'SET', 'DELETE', 't', '', '\u2028'),
    fc.oneof(fc.integer(), fc.double(), fc.string()),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...MEMBERS), fc.nat(9).map(String)), tie('json'), { maxKeys: 4 }),
  ),
}));

describe('bodies', () => {
  it.each(Object.entries(READERS))('%s: understood or refused', (_, read) => {
    fc.assert(
      fc.property(
        fc.oneof(
          json.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        (text) => {
          try {
            read(readBody(text));
          } catch (error) {
            expect(error).toBeInstanceOf(RestError);
            expect((error as RestError).status).toBeOneOf([400, 422]);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('a topic is what is written, all that is not being the choice of the cluster', () => {
    expect(newTopicOf(readBody('{"topic_name":"t"}'))).toEqual({
      name: 't',
      partitionsCount: null,
      replicationFactor: null,
      replicas: new Map(),
      configs: new Map(),
      validateOnly: false,
    });
    expect(newTopicOf(readBody('{"topic_name":"t","configs":[{"name":"__proto__","value":"1"}]}')).configs).toEqual(
      new Map([['__proto__', '1']]),
    );
  });

  it('nesting without end is refused', () => {
    expect(() => readBody('['.repeat(100_000))).toThrow(RestError);
  });
});
