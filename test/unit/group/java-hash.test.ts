/** Groups live where every Kafka broker would look for them: numbers computed by Java. */
import { describe, expect, it } from 'vitest';
import { javaHashCode, partitionFor } from '../../../src/group/java-hash.ts';

describe('the partition of a group', () => {
  it.each([
    ['', 0],
    ['a', 97],
    ['hello', 99_162_322],
    ['console-consumer', -648_006_740],
    ['polygenelubricants', -2_147_483_648],
    ['\u{1f600}', 1_772_899],
  ])('counts %j as Java does', (text, hash) => {
    expect(javaHashCode(text)).toBe(hash);
  });

  it('is never negative', () => {
    expect(partitionFor('polygenelubricants', 50)).toBe(0);
    expect(partitionFor('hello', 50)).toBe(22);
    expect(partitionFor('console-consumer', 50)).toBe(40);
  });
});
