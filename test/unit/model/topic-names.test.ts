/** What a topic may be called. */
import { expect, it } from 'vitest';
import { hasCollision, hasCollisionChars, invalidTopicName, isInternalTopic } from '../../../src/model/topic-names.ts';

it.each(['a', 'A-b_c.9', '...', '__proto__', 'constructor', 'x'.repeat(249)])('accepts %s', (name) => {
  expect(invalidTopicName(name)).toBeNull();
});

it.each([
  ['', 'the empty string is not allowed'],
  ['.', "'.' is not allowed"],
  ['..', "'..' is not allowed"],
  ['a b', "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"],
  ['a/b', "'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"],
  ['ä', "'ä' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"],
  ['a\n', "'a\n' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"],
  ['x'.repeat(250), `the length of '${'x'.repeat(250)}' is longer than the max allowed length 249`],
])('refuses %j as Kafka does', (name, reason) => {
  expect(invalidTopicName(name)).toBe(`Topic name is invalid: ${reason}`);
});

it('sees names that would share the names of their metrics', () => {
  expect(hasCollision('a.b', 'a_b')).toBe(true);
  expect(hasCollision('a.b', 'a.c')).toBe(false);
  expect(hasCollisionChars('a-b')).toBe(false);
});

it('knows the topics of the cluster itself', () => {
  expect(isInternalTopic('__consumer_offsets')).toBe(true);
  expect(isInternalTopic('orders')).toBe(false);
});
