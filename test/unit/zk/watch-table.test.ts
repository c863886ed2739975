/** One-shot watches and the pieces in which a new server is told of them. */
import { expect, it } from 'vitest';
import { WatchTable } from '../../../src/zk/watch-table.ts';

const CREATED = 1;
const DELETED = 2;
const DATA_CHANGED = 3;
const CHILDREN_CHANGED = 4;

function tableWithAll(): WatchTable {
  const table = new WatchTable();
  for (const kind of ['data', 'exist', 'child'] as const) table.arm(kind, '/a');
  table.arm('data', '/b');
  return table;
}

it.each([
  [CREATED, { data: true, children: true }, 2],
  [DATA_CHANGED, { data: true, children: false }, 2],
  [DELETED, { data: true, children: true }, 1],
  [CHILDREN_CHANGED, { data: false, children: true }, 3],
  [-1, { data: false, children: false }, 4],
  [99, { data: false, children: false }, 4],
])('an event of type %i ends the watches it answers', (type, changed, remaining) => {
  const table = tableWithAll();
  expect(table.fire(type, '/a')).toEqual(changed);
  expect(table.size).toBe(remaining);
});

it('arming twice is arming once', () => {
  const table = tableWithAll();
  table.arm('data', '/b');
  expect(table.size).toBe(4);
});

it('chunks hold every watch once and none is larger than allowed, but for a single path', () => {
  const table = new WatchTable();
  const paths = Array.from({ length: 100 }, (_, index) => `/path-${index}`);
  for (const path of paths) {
    table.arm('data', path);
    table.arm('child', path);
  }
  table.arm('exist', `/${'x'.repeat(500)}`);
  const chunks = [...table.chunks(200)];
  expect(chunks.flatMap(({ data }) => data)).toEqual(paths);
  expect(chunks.flatMap(({ child }) => child)).toEqual(paths);
  expect(chunks.flatMap(({ exist }) => exist).length).toBe(1);
  for (const { data, exist, child } of chunks) {
    const all = [...data, ...exist, ...child];
    const size = all.reduce((total, path) => total + 4 + path.length, 0);
    expect(all.length === 1 || size <= 200).toBe(true);
    expect(all.length).toBeGreaterThan(0);
  }
  expect([...new WatchTable().chunks(200)]).toEqual([]);
});
