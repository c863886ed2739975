/** Sessions that end, and what those who hold them are told, against one real server. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { ZooKeeper } from '../../src/zk/zookeeper.ts';
import { eventually } from '../support/eventually.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { connectZooKeeper } from '../support/zookeeper-client.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

let server: TestZooKeeper;
let witness: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server.close());
beforeEach(async () => {
  witness = await connectZooKeeper(server.connectString, { sessionTimeoutMs: 4000 });
  for (const name of (await witness.children('/')) ?? [])
    if (name !== 'zookeeper') await witness.deleteRecursive(`/${name}`);
});

async function connectThroughProxy(sessionTimeoutMs: number) {
  const proxy = await TcpProxy.start(server.servers[0]?.port ?? 0);
  onTestFinished(() => proxy.close());
  return { proxy, zk: await connectZooKeeper(proxy.address, { sessionTimeoutMs }) };
}

/** Nothing else of this process runs for so long: what a long garbage collection does. */
function blockTheEventLoop(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

describe('a session that the ensemble gave up', () => {
  it('is followed by a new one: the holder stops, what waits fails, a new session, then its watches', async () => {
    const { zk, proxy } = await connectThroughProxy(800);
    const former = zk.sessionId;
    await zk.create('/mine', null, { ephemeral: true });
    await zk.create('/seen', null);
    const told: string[] = [];
    zk.onSessionLost(() => told.push(`lost in ${zk.state}`));
    zk.onSessionEstablished(() => told.push(`established in ${zk.state}`));
    const reread = (): void => {
      told.push('watch');
      zk.get('/seen').then((content) => told.push(`read version ${content?.stat.version}`), told.push);
    };
    zk.watch('/seen', reread);
    await zk.get('/seen');
    proxy.refuse();
    await eventually(() => zk.state === 'DISCONNECTED' || zk.state === 'LOST');
    const waiting = zk.get('/seen').then(
      () => told.push('answered'),
      (error: Error) => told.push(error.message),
    );
    await eventually(async () => (await witness.exists('/mine')) === null);
    await eventually(() => zk.state === 'LOST');
    await waiting;
    expect(told).toEqual(['lost in LOST', 'ZooKeeper error SESSION_EXPIRED for /seen']);
    expect(zk.isLeaseValid()).toBe(false);
    const forTheNext = zk.exists('/seen');

    proxy.heal();
    expect(await forTheNext).not.toBeNull();
    expect(zk.sessionId).not.toBe(former);
    expect(zk.wasMySession(former)).toBe(true);
    expect(zk.wasMySession(zk.sessionId)).toBe(false);
    await eventually(() => told.length === 5);
    expect(told.slice(2)).toEqual(['established in CONNECTED', 'watch', 'read version 0']);
    // The watch is armed in the new session.
    await witness.set('/seen', null, 0);
    await eventually(() => told.includes('read version 1'));
  });

  it('leaves no request unanswered, however many wait', async () => {
    const { zk, proxy } = await connectThroughProxy(600);
    proxy.blackHole();
    const outcomes = Array.from({ length: 3000 }, (_, index) =>
      (index % 2 === 0 ? zk.exists('/') : zk.create(`/n${index}`, null)).then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    );
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['SESSION_EXPIRED']));
  });

  it('is not used by code that wakes up from a long pause', async () => {
    const zk = await connectZooKeeper(server.connectString, { sessionTimeoutMs: 600 });
    const former = zk.sessionId;
    const told: string[] = [];
    zk.onSessionLost(() => told.push('lost'));
    zk.onSessionEstablished(() => told.push('established'));
    await zk.create('/mine', null, { ephemeral: true });
    expect(zk.isLeaseValid()).toBe(true);
    blockTheEventLoop(2000);
    // Still "connected" as far as anybody was told; the lease knows better.
    expect(zk.isLeaseValid()).toBe(false);
    await eventually(() => told.includes('established'));
    expect(told).toEqual(['lost', 'established']);
    expect(zk.sessionId).not.toBe(former);
    expect(await zk.exists('/mine')).toBeNull();
    expect(zk.isLeaseValid()).toBe(true);
  });

  it('is followed by others, time and again', async () => {
    const { zk, proxy } = await connectThroughProxy(400);
    const sessionIds = new Set([zk.sessionId]);
    for (let round = 0; round < 3; round++) {
      await zk.create('/mine', null, { ephemeral: true });
      proxy.refuse();
      await eventually(() => zk.state === 'LOST');
      await eventually(async () => (await witness.exists('/mine')) === null);
      proxy.heal();
      await zk.barrier();
      sessionIds.add(zk.sessionId);
    }
    expect(sessionIds.size).toBe(4);
  });

  it('may have a handler that throws; the others are told all the same', async () => {
    const { zk, proxy } = await connectThroughProxy(400);
    let told = 0;
    zk.onSessionLost(() => {
      throw new Error('broken handler');
    });
    const end = zk.onSessionLost(() => told++);
    zk.onSessionLost(() => told++);
    end();
    proxy.refuse();
    await eventually(() => zk.state === 'LOST');
    expect(told).toBe(1);
  });
});

it('a session that we gave up while no server ran is told as a new one when a server gives it back', async () => {
  const zk = await connectZooKeeper(server.connectString, { sessionTimeoutMs: 1500 });
  const { sessionId } = zk;
  const told: string[] = [];
  zk.onSessionLost(() => told.push('lost'));
  zk.onSessionEstablished(() => told.push('established'));
  await zk.create('/mine', null, { ephemeral: true });
  const [process] = server.servers;
  await process?.kill('SIGKILL');
  await eventually(() => told.length === 1);
  await process?.restart();
  await eventually(() => told.length === 2);
  expect(told).toEqual(['lost', 'established']);
  // The server counted the session's time from its own start.
  expect(zk.sessionId).toBe(sessionId);
  expect(zk.wasMySession(sessionId)).toBe(false);
  expect((await zk.exists('/mine'))?.ephemeralOwner).toBe(sessionId);
});
