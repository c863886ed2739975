/** What many clients share, and one alone does not get. */
import { expect, test } from 'vitest';
import { SharedRoom } from '../../../src/rest/shared-room.ts';

test('what is taken is there again when it is given', () => {
  const room = new SharedRoom(100);
  expect(room.of('a').take(60)).toBe(true);
  expect(room.of('b').take(41)).toBe(false);
  expect(room.of('b').take(40)).toBe(true);
  expect(room.used).toBe(100);
  room.of('a').give(60);
  expect(room.used).toBe(40);
  expect(room.of('c').take(60)).toBe(true);
});

test('one client alone never has more than three quarters', () => {
  const room = new SharedRoom(100);
  expect(room.of('a').take(70)).toBe(true);
  expect(room.of('a').take(6)).toBe(false);
  expect(room.of('a').take(5)).toBe(true);
  expect([room.hasRoom('a', 1), room.hasRoom('b', 25), room.hasRoom('b', 26)]).toEqual([false, true, false]);
});
