/** Who gives up a connection when there are too many. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConnectionPlaces } from '../../../src/http/connection-places.ts';

function filled(addresses: readonly string[]): ConnectionPlaces<number> {
  const places = new ConnectionPlaces<number>(addresses.length);
  for (const [connection, address] of addresses.entries()) expect(places.open(connection, address)).toBeNull();
  return places;
}

test('while there is room all are let in', () => {
  const places = filled(['a', 'a', 'b']);
  expect(places.count).toBe(3);
  places.close(0);
  places.close(0);
  expect(places.count).toBe(2);
  expect(places.open(3, 'b')).toBeNull();
});

test('the client with the most connections gives up the one that has been without a request the longest', () => {
  const places = filled(['b', 'a', 'a', 'a']);
  places.begin(1);
  expect(places.open(4, 'c')).toBe(2);
  expect(places.count).toBe(4);
  places.end(1);
  expect(places.open(5, 'd')).toBe(3);
});

test('with requests on all of them, the one with the oldest', () => {
  const places = filled(['a', 'a', 'a', 'b']);
  for (const connection of [1, 0, 2]) places.begin(connection);
  expect(places.open(4, 'c')).toBe(1);
});

test('a connection has a request until the last of several is answered', () => {
  const places = filled(['a', 'a']);
  places.begin(0);
  places.begin(0);
  places.end(0);
  expect(places.requestsOf(0)).toBe(1);
  expect(places.open(2, 'a')).toBe(1);
  places.end(0);
  expect(places.requestsOf(0)).toBe(0);
  expect(places.open(3, 'a')).toBe(2);
});

test('who has the most already gets one more at the price of an idle one alone', () => {
  const places = filled(['a', 'a', 'b']);
  places.begin(0);
  places.begin(1);
  expect(places.open(3, 'a')).toBe(3);
  expect(places.count).toBe(3);
});

test('where all have as many, one that is not used goes; what is used stays', () => {
  const places = filled(['a', 'b']);
  places.begin(0);
  expect(places.open(2, 'c')).toBe(1);
  places.begin(2);
  expect(places.open(3, 'd')).toBe(3);
});

test('a network of IPv6 is one client, whatever its addresses', () => {
  const places = filled(['2001:db8::1', '2001:db8:0:0:1::2', '2001:db8:0:0:ffff:1:2:3', '::1', '2001:db8:0:1::1']);
  expect(places.open(5, '::ffff:10.0.0.1')).toBe(0);
  expect(places.open(6, '::ffff:10.0.0.2')).toBe(1);
});

test('whoever holds fewer than another is let in, and loses nothing', () => {
  const step = fc.record({
    act: fc.constantFrom('open', 'open', 'begin', 'end', 'close'),
    address: fc.constantFrom('a', 'b', 'c', 'd'),
    which: fc.nat(20),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (max, steps) => {
      const places = new ConnectionPlaces<number>(max);
      const held = new Map<number, string>();
      const countOf = (address: string) => [...held.values()].filter((each) => each === address).length;
      for (const [index, { act, address, which }] of steps.entries()) {
        const known = [...held.keys()][which % Math.max(1, held.size)];
        if (act === 'open') {
          const most = Math.max(0, ...[...held.values()].map(countOf));
          held.set(index, address);
          const gone = places.open(index, address);
          const loser = gone === null ? null : (held.get(gone) ?? '');
          if (loser !== null) expect(countOf(loser)).toBe(Math.max(most, countOf(address)));
          if (countOf(address) < most) expect(gone).not.toBe(index);
          if (gone !== null) held.delete(gone);
        } else if (known !== undefined) {
          places[act](known);
          if (act === 'close') held.delete(known);
        }
        expect(places.count).toBe(held.size);
        expect(held.size).toBeLessThanOrEqual(max);
      }
    }),
  );
});
