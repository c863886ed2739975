/** zookeeper.connect in all its forms. */
import { expect, it } from 'vitest';
import { parseConnectString } from '../../../src/zk/connect-string.ts';

it.each([
  ['localhost', [['localhost', 2181]], ''],
  ['localhost:2182', [['localhost', 2182]], ''],
  [
    'a:1,b:2,c:3/kafka',
    [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ],
    '/kafka',
  ],
  [
    'a:1, b:2 /',
    [
      ['a', 1],
      ['b', 2],
    ],
    '',
  ],
  ['a:1,/deep/chroot/', [['a', 1]], '/deep/chroot'],
  [
    '[::1]:2181,[fe80::1]',
    [
      ['::1', 2181],
      ['fe80::1', 2181],
    ],
    '',
  ],
] as const)('%s', (text, servers, chroot) => {
  expect(parseConnectString(text)).toEqual({ servers: servers.map(([host, port]) => ({ host, port })), chroot });
});

it.each(['', '/chroot', ',', 'a:b', 'a:0', 'a:70000', 'a:1:2', '::1:2181', '[::1:2181', 'a:1//b'])(
  '%s is refused and quoted',
  (text) => {
    expect(() => parseConnectString(text)).toThrow(new RegExp(`connect string: ${text.replace(/[[\]/]/g, '\\$&')}$`));
  },
);
