/** IncrementalAlterConfigs as a function of what is stored. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyConfigOperations,
  CONFIG_OPERATIONS,
  type ConfigOperation,
  ConfigRefusal,
} from '../../../src/config/config-operations.ts';
import { topicKey } from '../../../src/config/topic-config.ts';

const { SET, DELETE, APPEND, SUBTRACT } = CONFIG_OPERATIONS;
const policy = (operation: number, value: string | null): ConfigOperation => ({
  name: 'cleanup.policy',
  operation,
  value,
});
const changed = (stored: Record<string, string>, ...operations: ConfigOperation[]) =>
  Object.fromEntries(applyConfigOperations(new Map(Object.entries(stored)), operations, topicKey));

describe('an operation on stored overrides', () => {
  it.each<[Record<string, string>, ConfigOperation, Record<string, string>]>([
    [{ a: '1' }, { name: 'b', operation: SET, value: '2' }, { a: '1', b: '2' }],
    [{ a: '1' }, { name: 'a', operation: SET, value: '2' }, { a: '2' }],
    [{ a: '1' }, { name: 'a', operation: DELETE, value: null }, {}],
    [{ a: '1' }, { name: 'b', operation: DELETE, value: 'x' }, { a: '1' }],
    [{}, policy(APPEND, 'compact'), { 'cleanup.policy': 'delete,compact' }],
    [{ 'cleanup.policy': 'compact' }, policy(APPEND, 'compact,delete'), { 'cleanup.policy': 'compact,delete' }],
    [{ 'cleanup.policy': '' }, policy(APPEND, 'compact'), { 'cleanup.policy': 'compact' }],
    [{ 'cleanup.policy': 'compact,delete' }, policy(SUBTRACT, 'delete'), { 'cleanup.policy': 'compact' }],
    [{}, policy(SUBTRACT, 'delete'), { 'cleanup.policy': '' }],
    [{}, policy(SUBTRACT, 'compact'), { 'cleanup.policy': 'delete' }],
  ])('%j with %j is %j', (stored, operation, expected) => {
    expect(changed(stored, operation)).toEqual(expected);
  });

  it.each<[ConfigOperation, string, string]>([
    [{ name: 'retention.ms', operation: APPEND, value: '1' }, 'INVALID_CONFIG', 'Config value append is not allowed'],
    [{ name: 'retention.ms', operation: SUBTRACT, value: '1' }, 'INVALID_CONFIG', 'Config value subtract is not'],
    [{ name: 'no.such', operation: APPEND, value: '1' }, 'INVALID_CONFIG', 'Unknown config name: no.such'],
    [{ name: '__proto__', operation: SUBTRACT, value: '1' }, 'INVALID_CONFIG', 'Unknown config name: __proto__'],
    [policy(7, 'x'), 'INVALID_REQUEST', 'Unknown operations type 7'],
  ])('%j is refused', (operation, error, message) => {
    const apply = () => changed({}, operation);
    expect(apply).toThrow(ConfigRefusal);
    expect(apply).toThrow(expect.objectContaining({ error, message: expect.stringContaining(message) }));
  });

  it('done twice leaves the same as done once, and what was stored is not touched', () => {
    const policies = fc.subarray(['compact', 'delete']).map((entries) => entries.join(','));
    const operation = fc.record({
      name: fc.constant('cleanup.policy'),
      operation: fc.constantFrom(SET, DELETE, APPEND, SUBTRACT),
      value: policies,
    });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('cleanup.policy', 'other'), policies), operation, (stored, one) => {
        const before = new Map(Object.entries(stored));
        const once = applyConfigOperations(before, [one], topicKey);
        expect(applyConfigOperations(once, [one], topicKey)).toEqual(once);
        expect(before).toEqual(new Map(Object.entries(stored)));
      }),
    );
  });
});
