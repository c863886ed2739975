/** The client against an ensemble of three whose members are killed and stopped. */
import { connect as openSocket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ZooKeeper } from '../../src/zk/zookeeper.ts';
import { eventually } from '../support/eventually.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { connectZooKeeper, type TestClientOptions } from '../support/zookeeper-client.ts';
import { startZooKeeper, type TestZooKeeper, type TestZooKeeperServer } from '../support/zookeeper-server.ts';

let ensemble: TestZooKeeper;
let proxies: TcpProxy[];
beforeAll(async () => {
  ensemble = await startZooKeeper({ servers: 3 });
  proxies = await Promise.all(ensemble.servers.map(({ port }) => TcpProxy.start(port)));
});
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await ensemble.close();
});

let caseCount = 0;
beforeEach(async () => {
  for (const server of ensemble.servers) if (!server.isRunning) await server.restart();
  caseCount++;
});

/** Proxies are there to see which server is used. */
function connect(options: TestClientOptions = {}): Promise<ZooKeeper> {
  const servers = proxies.map(({ address }) => address).join(',');
  return connectZooKeeper(`${servers}/case-${caseCount}`, { sessionTimeoutMs: 4000, ...options });
}

function usedServer(): TestZooKeeperServer {
  const used = proxies.findIndex(({ liveLinks }) => liveLinks > 0);
  return ensemble.servers[used] ?? expect.unreachable();
}

function connectTo(server: TestZooKeeperServer): Promise<ZooKeeper> {
  return connectZooKeeper(`127.0.0.1:${server.port}/case-${caseCount}`);
}

function findLeader(): Promise<TestZooKeeperServer> {
  return eventually(async () => {
    for (const server of ensemble.servers) if (server.isRunning && (await server.mode()) === 'leader') return server;
    throw new Error('no leader');
  });
}

/** Writes one after the other until told to stop or a write fails; the names that were confirmed. */
function steadyWriter(zk: ZooKeeper) {
  const confirmed: string[] = [];
  const failures: unknown[] = [];
  let isOver = false;
  const done = (async () => {
    for (let index = 0; !isOver; index++) {
      try {
        await zk.create(`/w${index}`, Buffer.from(String(index)));
        confirmed.push(`w${index}`);
      } catch (error) {
        failures.push(error);
        return;
      }
    }
  })();
  const stop = async (): Promise<void> => {
    isOver = true;
    await done;
  };
  return { confirmed, failures, stop };
}

describe.each([
  ['killed', 'SIGKILL'],
  ['stopped without a word', 'SIGSTOP'],
] as const)('when the server in use is %s', (_what, signal) => {
  it('the session goes on elsewhere with its ephemeral znodes, and no write is lost or done twice', async () => {
    const zk = await connect();
    const { sessionId } = zk;
    let lost = 0;
    zk.onSessionLost(() => lost++);
    await zk.create('/mine', null, { ephemeral: true });
    const writer = steadyWriter(zk);
    await eventually(() => writer.confirmed.length > 20);
    const victim = usedServer();
    await victim.kill(signal);
    const confirmedBefore = writer.confirmed.length;
    await eventually(() => writer.confirmed.length > confirmedBefore + 20);
    await writer.stop();
    await victim.kill('SIGCONT');

    expect(writer.failures).toEqual([]);
    expect(zk.sessionId).toBe(sessionId);
    expect(lost).toBe(0);
    expect((await zk.exists('/mine'))?.ephemeralOwner).toBe(sessionId);
    const names = (await zk.children('/'))?.filter((name) => name !== 'mine');
    expect(names?.sort()).toEqual(writer.confirmed.sort());
  });
});

it('when the leader of the ensemble is killed, the session and the writes go on', async () => {
  const leader = await findLeader();
  const zk = await connect();
  const { sessionId } = zk;
  const writer = steadyWriter(zk);
  await eventually(() => writer.confirmed.length > 20);
  await leader.kill('SIGKILL');
  const confirmedBefore = writer.confirmed.length;
  await eventually(() => writer.confirmed.length > confirmedBefore + 20);
  await writer.stop();
  expect(writer.failures).toEqual([]);
  expect(zk.sessionId).toBe(sessionId);
  expect((await zk.children('/'))?.sort()).toEqual(writer.confirmed.sort());
});

it('a watch set on one server tells of a change made on another, also after moving to a third', async () => {
  const zk = await connect();
  let changes = 0;
  zk.watch('/a', () => changes++);
  expect(await zk.get('/a')).toBeNull();
  const first = usedServer();
  await first.kill('SIGKILL');
  const writer = await connectTo(ensemble.servers.find((server) => server !== first) ?? expect.unreachable());
  await writer.create('/a', null);
  await eventually(() => changes === 1);
  await zk.get('/a');
  await writer.set('/a', Buffer.from('x'), 0);
  await eventually(() => changes === 2);
});

it('a barrier makes reads see what was written on another server before', async () => {
  const [one, other] = ensemble.servers;
  const writer = await connectTo(one ?? expect.unreachable());
  const reader = await connectTo(other ?? expect.unreachable());
  for (let round = 0; round < 100; round++) {
    await writer.create(`/r${round}`, null);
    await reader.barrier();
    expect(await reader.exists(`/r${round}`)).not.toBeNull();
  }
});

it('a session is not lost to the client while its ensemble has no majority for a while', async () => {
  const zk = await connect();
  const { sessionId } = zk;
  await zk.create('/mine', null, { ephemeral: true });
  const victims = ensemble.servers.slice(0, 2);
  await Promise.all(victims.map((server) => server.kill('SIGKILL')));
  const write = zk.create('/late', null).then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
  await eventually(() => zk.state !== 'CONNECTED');
  await Promise.all(victims.map((server) => server.restart()));
  // If it took longer than the session timeout, the client had to take the session for lost, and tell so.
  expect(['done', 'SESSION_EXPIRED']).toContain(await write);
  await zk.barrier();
  expect(zk.sessionId).toBe(sessionId);
  expect((await zk.exists('/mine'))?.ephemeralOwner).toBe(sessionId);
});

it('every server answers the commands of operators', async () => {
  const modes = await Promise.all(ensemble.servers.map((server) => server.mode()));
  expect(modes.sort()).toEqual(['follower', 'follower', 'leader']);
  const socket = openSocket(ensemble.servers[0]?.port ?? 0, '127.0.0.1', () => socket.end('ruok'));
  const answer: string[] = [];
  for await (const bytes of socket) answer.push(String(bytes));
  expect(answer.join('')).toBe('imok');
});
