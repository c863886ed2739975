/** Whether a write happened, told by what it left. */
import { expect, it } from 'vitest';
import { resultsIfExecuted } from '../../../src/zk/lost-replies.ts';
import { NO_OWNER, type Operation, type ZnodeContent } from '../../../src/zk/operations.ts';

const MINE = '00000000000000aa';

function znode(text: string | null, version: number, ephemeralOwner = NO_OWNER): ZnodeContent {
  const times = { czxid: 1, mzxid: 1, cversion: 0, ctimeMs: 0, mtimeMs: 0, numChildren: 0 };
  return { data: text === null ? null : Buffer.from(text), stat: { ...times, version, ephemeralOwner } };
}

async function wasExecuted(operations: readonly Operation[], tree: Record<string, ZnodeContent>): Promise<boolean> {
  const read = async (path: string): Promise<ZnodeContent | null> => tree[path] ?? null;
  return (await resultsIfExecuted(operations, { sessionId: MINE, read })) !== null;
}

const create = (path: string, text: string | null, options = {}): Operation => ({
  type: 'create',
  path,
  data: text === null ? null : Buffer.from(text),
  ...options,
});
const set = (path: string, text: string, version: number): Operation => ({
  type: 'set',
  path,
  data: Buffer.from(text),
  version,
});
const remove = (path: string): Operation => ({ type: 'delete', path, version: -1 });
const check = (path: string): Operation => ({ type: 'check', path, version: 0 });

it.each<[string, Operation[], Record<string, ZnodeContent>, boolean]>([
  ['a creation with our data', [create('/a', 'x')], { '/a': znode('x', 0) }, true],
  ['a creation without data', [create('/a', null)], { '/a': znode(null, 0) }, true],
  ['a creation with other data', [create('/a', 'x')], { '/a': znode('y', 0) }, false],
  ['a creation that was changed since', [create('/a', 'x')], { '/a': znode('x', 1) }, false],
  ['a creation that is not there', [create('/a', 'x')], {}, false],
  ['our ephemeral', [create('/a', 'x', { ephemeral: true })], { '/a': znode('x', 0, MINE) }, true],
  ['an ephemeral of another', [create('/a', 'x', { ephemeral: true })], { '/a': znode('x', 0, 'bb') }, false],
  ['a sequential creation, whose name nobody knows', [create('/a', 'x', { sequential: true })], {}, false],
  ['a change that is there', [set('/a', 'x', 4)], { '/a': znode('x', 5) }, true],
  ['a change that is not there', [set('/a', 'x', 4)], { '/a': znode('w', 4) }, false],
  ['a change after which there was another', [set('/a', 'x', 4)], { '/a': znode('x', 6) }, false],
  ['an unconditional change that is there', [set('/a', 'x', -1)], { '/a': znode('x', 9) }, true],
  ['a deletion', [remove('/a')], {}, true],
  ['a deletion of what is there', [remove('/a')], { '/a': znode('x', 0) }, false],
  ['nothing but a check', [check('/a')], { '/a': znode('x', 0) }, false],
  ['a registration', [create('/a', null, { ephemeral: true }), set('/a', 'x', 0)], { '/a': znode('x', 1, MINE) }, true],
  [
    'a replacement',
    [check('/f'), remove('/a'), create('/a', 'new', { ephemeral: true }), set('/e', '2', 1)],
    { '/a': znode('new', 0, MINE), '/e': znode('2', 2), '/f': znode('x', 0) },
    true,
  ],
  ['half of a multi', [create('/a', 'x'), create('/b', 'x')], { '/a': znode('x', 0) }, false],
  ['a change and a deletion of the same', [set('/a', 'x', 0), remove('/a')], {}, false],
])('%s', async (_what, operations, tree, expected) => {
  expect(await wasExecuted(operations, tree)).toBe(expected);
});

it('the results are those of the operations', async () => {
  const found = znode('x', 1, MINE);
  const operations = [check('/f'), create('/a', null, { ephemeral: true }), set('/a', 'x', 0), remove('/b')];
  const read = async (path: string): Promise<ZnodeContent | null> => (path === '/a' ? found : null);
  expect(await resultsIfExecuted(operations, { sessionId: MINE, read })).toEqual([
    { type: 'check' },
    { type: 'create', path: '/a' },
    { type: 'set', stat: found.stat },
    { type: 'delete' },
  ]);
});
