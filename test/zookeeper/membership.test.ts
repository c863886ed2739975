/** Who belongs to a cluster and who controls it, against one real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemRandom } from '../../src/lib/random.ts';
import { ensurePersistentPaths, getOrCreateClusterId } from '../../src/zk/bootstrap.ts';
import { nextBrokerId, readBroker, readBrokers, registerBroker, updateRegistration } from '../../src/zk/brokers.ts';
import { electController, readControllerEpoch, readControllerId } from '../../src/zk/election.ts';
import { FencedWriter } from '../../src/zk/fenced-writer.ts';
import { claimProducerIdBlock } from '../../src/zk/producer-id-blocks.ts';
import { PERSISTENT_PATHS } from '../../src/zk/znodes.ts';
import { eventually } from '../support/eventually.ts';
import { context, electedWriter, newCluster, registration } from '../support/zookeeper-cluster.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

let server: TestZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server.close());

describe('a cluster', () => {
  it('has its persistent paths and one id, whoever asks first', async () => {
    const { zk, another } = await newCluster(server);
    await ensurePersistentPaths(zk);
    for (const path of PERSISTENT_PATHS) expect((await zk.get(path))?.data, path).toBeNull();
    const clients = [zk, await another(), await another()];
    const ids = await Promise.all(clients.map((client) => getOrCreateClusterId(client, new SystemRandom())));
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[\w-]{22}$/);
  });

  it('gives out broker ids above the reserved ones, none of them twice', async () => {
    const { zk, another } = await newCluster(server);
    expect(await nextBrokerId(zk)).toBe(1001);
    const other = await another();
    const ids = await Promise.all([zk, other, zk, other].map((client) => nextBrokerId(client)));
    expect(ids.sort()).toEqual([1002, 1003, 1004, 1005]);
  });

  it('gives out blocks of producer ids, none of them twice', async () => {
    const { zk, another, throughProxy } = await newCluster(server);
    expect(await claimProducerIdBlock(zk, 1)).toEqual({ firstProducerId: 0, length: 1000 });
    const clients = [zk, await another(), await another()];
    const blocks = await Promise.all(
      [...clients, ...clients].map((client, index) => claimProducerIdBlock(client, index)),
    );
    const firsts = blocks.map(({ firstProducerId }) => firstProducerId).sort((a, b) => a - b);
    expect(firsts).toEqual([1000, 2000, 3000, 4000, 5000, 6000]);

    const { zk: flaky, proxy } = await throughProxy();
    await flaky.exists('/latest_producer_id_block');
    const lost = proxy.loseNextReply();
    expect(await claimProducerIdBlock(flaky, 9)).toEqual({ firstProducerId: 7000, length: 1000 });
    await lost;
  });
});

describe('a broker', () => {
  it('registers; its epoch is the czxid; others see it until it goes', async () => {
    const { zk, another } = await newCluster(server);
    const broker = await another();
    const epoch = await registerBroker(broker, 1, registration(9092), context);
    expect(epoch).toBe((await zk.exists('/brokers/ids/1'))?.czxid);
    expect(await readBrokers(zk)).toEqual([{ brokerId: 1, brokerEpoch: epoch, ...registration(9092) }]);
    // In the same session it is the same registration.
    expect(await registerBroker(broker, 1, registration(9092), context)).toBe(epoch);
    await updateRegistration(broker, 1, registration(9999), 1);
    expect(await readBroker(zk, 1)).toEqual({ brokerId: 1, brokerEpoch: epoch, ...registration(9999) });
    await broker.close();
    await zk.barrier();
    expect(await readBrokers(zk)).toEqual([]);
  });

  it('whose registration lost its reply has registered once', async () => {
    const { zk, throughProxy } = await newCluster(server);
    const { zk: broker, proxy } = await throughProxy();
    const lost = proxy.loseNextReply();
    const epoch = await registerBroker(broker, 1, registration(9092), context);
    await lost;
    expect((await zk.exists('/brokers/ids/1'))?.czxid).toBe(epoch);
  });

  it('that was killed and started again waits for its former session to end, and gets a new epoch', async () => {
    const { zk, another, throughProxy } = await newCluster(server);
    const { zk: killed, proxy } = await throughProxy({ sessionTimeoutMs: 1000 });
    const former = await registerBroker(killed, 1, registration(9092), context);
    proxy.blackHole();
    const restarted = await another({ sessionTimeoutMs: 1000 });
    const epoch = await registerBroker(restarted, 1, registration(9092), { ...context, patienceMs: 30_000 });
    expect(epoch).toBeGreaterThan(former);
    expect((await zk.exists('/brokers/ids/1'))?.ephemeralOwner).toBe(restarted.sessionId);
  });

  it('whose id another living broker holds is told so, and refused', async () => {
    const { zk, another } = await newCluster(server);
    const holder = await another();
    await registerBroker(holder, 1, registration(9092), context);
    const lines: string[] = [];
    const logger = { ...context.logger, info: (line: string) => lines.push(line) };
    const refused = registerBroker(zk, 1, registration(9093), { ...context, logger, patienceMs: 300 });
    await expect(refused).rejects.toMatchObject({
      code: 'NODE_EXISTS',
      message:
        `Another broker with broker.id=1 is running (localhost:9092). ` +
        `Error while creating ephemeral at /brokers/ids/1, node already exists and owner '0x${holder.sessionId}' ` +
        `does not match current session '0x${zk.sessionId}'`,
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('A broker with broker.id=1 is registered already (localhost:9092)');
  });

  it('that lost its session registers anew, in a new epoch', async () => {
    const { zk, throughProxy } = await newCluster(server);
    const { zk: broker, proxy } = await throughProxy({ sessionTimeoutMs: 800 });
    const epochs = [await registerBroker(broker, 1, registration(9092), context)];
    broker.onSessionEstablished(() => {
      registerBroker(broker, 1, registration(9092), context).then(
        (epoch) => epochs.push(epoch),
        (error: unknown) => expect.unreachable(String(error)),
      );
    });
    proxy.refuse();
    await eventually(() => broker.state === 'LOST');
    await eventually(async () => (await zk.exists('/brokers/ids/1')) === null);
    proxy.heal();
    await eventually(() => epochs.length === 2);
    expect((await zk.exists('/brokers/ids/1'))?.czxid).toBe(epochs[1]);
    expect(epochs[1]).toBeGreaterThan(epochs[0] ?? 0);
  });
});

describe('an election', () => {
  it('has exactly one winner among contenders, and each raises the epoch by one', async () => {
    const { zk, another } = await newCluster(server);
    const clients = await Promise.all([1, 2, 3, 4, 5].map(() => another()));
    for (let round = 1; round <= 10; round++) {
      const results = await Promise.all(clients.map((client, id) => electController(client, id, 1)));
      const winners = results.flatMap((result, id) => (result.elected ? [{ ...result, id }] : []));
      expect(winners).toEqual([expect.objectContaining({ controllerEpoch: round, epochZkVersion: round })]);
      const [winner] = winners;
      expect(await readControllerId(zk)).toBe(winner?.id);
      for (const result of results) if (!result.elected) expect(result.controllerId).toBe(winner?.id);
      const resigning = clients[winner?.id ?? 0] ?? expect.unreachable();
      await new FencedWriter(resigning, round, round).resign();
      expect(await readControllerId(zk)).toBe(-1);
    }
  });

  it('that lost its reply was won', async () => {
    const { zk, throughProxy } = await newCluster(server);
    await electedWriter(zk, 9).then((writer) => writer.resign());
    const { zk: contender, proxy } = await throughProxy();
    // The third request of an election is the multi.
    await contender.exists('/controller');
    proxy
      .loseNextReply()
      .then(() => proxy.loseNextReply())
      .then(() => proxy.loseNextReply())
      .catch(expect.unreachable);
    expect(await electController(contender, 1, 1)).toEqual({ elected: true, controllerEpoch: 2, epochZkVersion: 2 });
    expect(await readControllerEpoch(zk)).toEqual({ controllerEpoch: 2, epochZkVersion: 2 });
  });

  it('replaces what the same broker left behind, in a new epoch', async () => {
    const { zk } = await newCluster(server);
    await electedWriter(zk, 1);
    expect(await electController(zk, 1, 2)).toEqual({ elected: true, controllerEpoch: 2, epochZkVersion: 2 });
    expect(await readControllerId(zk)).toBe(1);
  });

  it('is called for by a watch when the controller goes away', async () => {
    const { zk, another } = await newCluster(server);
    const controller = await another();
    await electedWriter(controller, 1);
    const seen: number[] = [];
    const reread = async (): Promise<void> => {
      seen.push(await readControllerId(zk));
    };
    zk.watch('/controller', () => void reread());
    await reread();
    await controller.close();
    await eventually(() => seen.length === 2);
    await electedWriter(zk, 2);
    await eventually(() => seen.length === 3);
    expect(seen).toEqual([1, -1, 2]);
  });
});
