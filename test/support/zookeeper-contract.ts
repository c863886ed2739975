/**
 * What everything that stands on ZooKeeper may rely on: one suite for the client on a real server and for the one in
 * memory, so that what is tested on the second holds on the first.
 */
import { describe, expect, it } from 'vitest';
import { ANY_VERSION, NO_OWNER, type ZooKeeperOperations } from '../../src/zk/operations.ts';

export interface ClosableClient extends ZooKeeperOperations {
  /** Ends the session. */
  close(): Promise<void>;
}

const bytes = (text: string): Buffer => Buffer.from(text);

/** @param connectTwo makes two clients of the same empty tree, each with a session of its own. */
export function describeZooKeeperContract(connectTwo: () => Promise<[ClosableClient, ClosableClient]>): void {
  describe('a znode', () => {
    it('is created, read, changed and deleted, each change conditional on its version', async () => {
      const [zk] = await connectTwo();
      expect(await zk.create('/a', bytes('one'))).toBe('/a');
      const created = await zk.get('/a');
      expect(created?.data).toEqual(bytes('one'));
      expect(created?.stat).toMatchObject({ version: 0, ephemeralOwner: NO_OWNER, numChildren: 0 });
      expect(created?.stat.czxid).toBeGreaterThan(0);

      await expect(zk.set('/a', bytes('two'), 1)).rejects.toMatchObject({ code: 'BAD_VERSION', path: '/a' });
      expect(await zk.set('/a', bytes('two'), 0)).toMatchObject({ version: 1, czxid: created?.stat.czxid });
      await expect(zk.delete('/a', 0)).rejects.toMatchObject({ code: 'BAD_VERSION' });
      await zk.delete('/a', 1);
      expect(await zk.get('/a')).toBeNull();
      expect(await zk.exists('/a')).toBeNull();
      expect(await zk.children('/a')).toBeNull();
      await expect(zk.delete('/a', ANY_VERSION)).rejects.toMatchObject({ code: 'NO_NODE' });
      await expect(zk.set('/a', bytes('x'), ANY_VERSION)).rejects.toMatchObject({ code: 'NO_NODE' });
    });

    it('tells no data from empty data', async () => {
      const [zk] = await connectTwo();
      await zk.create('/null', null);
      await zk.create('/empty', Buffer.alloc(0));
      expect((await zk.get('/null'))?.data).toBeNull();
      expect((await zk.get('/empty'))?.data).toEqual(Buffer.alloc(0));
      await zk.set('/empty', null, ANY_VERSION);
      expect((await zk.get('/empty'))?.data).toBeNull();
    });

    it('refuses a second creation, a missing parent and the deletion of a parent', async () => {
      const [zk] = await connectTwo();
      await zk.create('/a', null);
      await expect(zk.create('/a', null)).rejects.toMatchObject({ code: 'NODE_EXISTS' });
      await expect(zk.create('/no/parent', null)).rejects.toMatchObject({ code: 'NO_NODE' });
      await zk.create('/a/b', null);
      await expect(zk.delete('/a', ANY_VERSION)).rejects.toMatchObject({ code: 'NOT_EMPTY' });
      expect(await zk.children('/a')).toEqual(['b']);
    });

    it('may be ephemeral: it belongs to the session and ends with it', async () => {
      const [owner, other] = await connectTwo();
      await owner.create('/here', null, { ephemeral: true });
      expect((await other.exists('/here'))?.ephemeralOwner).toBe(owner.sessionId);
      await owner.close();
      await other.barrier();
      expect(await other.exists('/here')).toBeNull();
    });

    it('may be sequential: the server numbers it', async () => {
      const [zk] = await connectTwo();
      expect(await zk.create('/n_', null, { sequential: true })).toBe('/n_0000000000');
      expect(await zk.create('/n_', null, { sequential: true })).toBe('/n_0000000001');
    });
  });

  describe('a multi', () => {
    it('does all of it or nothing, and says which operation was refused', async () => {
      const [zk] = await connectTwo();
      const results = await zk.multi([
        { type: 'create', path: '/a', data: null },
        { type: 'set', path: '/a', data: bytes('1'), version: 0 },
        { type: 'create', path: '/a/s_', data: null, sequential: true },
        { type: 'check', path: '/a', version: 1 },
        { type: 'delete', path: '/a/s_0000000000', version: 0 },
      ]);
      expect(results.map((result) => result.type)).toEqual(['create', 'set', 'create', 'check', 'delete']);
      expect(results[0]).toEqual({ type: 'create', path: '/a' });
      expect(results[1]).toMatchObject({ type: 'set', stat: { version: 1 } });
      expect(results[2]).toEqual({ type: 'create', path: '/a/s_0000000000' });

      const refused = zk.multi([
        { type: 'create', path: '/b', data: null },
        { type: 'create', path: '/c', data: null },
        { type: 'check', path: '/missing', version: ANY_VERSION },
        { type: 'create', path: '/d', data: null },
      ]);
      await expect(refused).rejects.toMatchObject({ code: 'NO_NODE', path: '/missing', failedOperation: 2 });
      expect((await zk.children('/'))?.sort()).toEqual(['a']);
    });

    it('takes version 0 for version 0, not for any version', async () => {
      const [zk] = await connectTwo();
      await zk.create('/a', null);
      for (const version of [0, 1]) await zk.set('/a', bytes(String(version)), version);
      const conditional = [
        { type: 'check', path: '/a', version: 0 },
        { type: 'set', path: '/a', data: bytes('x'), version: 0 },
        { type: 'delete', path: '/a', version: 0 },
      ] as const;
      for (const operation of conditional) {
        const refusal = { code: 'BAD_VERSION', failedOperation: 0 };
        await expect(zk.multi([operation, { type: 'create', path: '/b', data: null }])).rejects.toMatchObject(refusal);
      }
      expect(await zk.exists('/b')).toBeNull();
      expect((await zk.get('/a'))?.data).toEqual(bytes('1'));
    });

    it('of nothing succeeds', async () => {
      const [zk] = await connectTwo();
      expect(await zk.multi([])).toEqual([]);
    });
  });

  describe('trees', () => {
    it('are created from the root down, leaving what is there, and deleted from the leaves up', async () => {
      const [zk] = await connectTwo();
      await zk.create('/a', bytes('kept'));
      await zk.createRecursive('/a/b/c/d');
      await zk.createRecursive('/a/b/c/d');
      await zk.createRecursive('/a/b/e');
      expect((await zk.get('/a'))?.data).toEqual(bytes('kept'));
      expect(await zk.exists('/a/b/c/d')).not.toBeNull();
      await zk.deleteRecursive('/a');
      await zk.deleteRecursive('/a');
      expect(await zk.children('/')).toEqual([]);
    });
  });

  describe('a watch', () => {
    it('tells of changes to data, of creation and of deletion, once per reading', async () => {
      const [zk] = await connectTwo();
      let changes = 0;
      const end = zk.watch('/a', () => changes++);
      const step = async (change: () => Promise<unknown>): Promise<number> => {
        const before = changes;
        await zk.get('/a');
        await change();
        await zk.barrier();
        return changes - before;
      };
      expect(await step(() => zk.create('/a', null))).toBe(1);
      expect(await step(() => zk.set('/a', bytes('1'), 0))).toBe(1);
      await zk.set('/a', bytes('2'), 1);
      expect(changes).toBe(2);
      expect(await step(() => zk.delete('/a', ANY_VERSION))).toBe(1);
      await zk.exists('/a');
      end();
      await zk.create('/a', null);
      await zk.barrier();
      expect(changes).toBe(3);
    });

    it('tells of children, also of a parent that comes later', async () => {
      const [zk] = await connectTwo();
      let changes = 0;
      zk.watchChildren('/p', () => changes++);
      expect(await zk.children('/p')).toBeNull();
      await zk.create('/p', null);
      expect(changes).toBe(1);
      expect(await zk.children('/p')).toEqual([]);
      await zk.create('/p/a', null);
      expect(changes).toBe(2);
    });
  });
}
