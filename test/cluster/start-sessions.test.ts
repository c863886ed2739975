/** A broker whose ZooKeeper session is lost while it starts: it goes on in the next one, wherever it was. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { BrokerProcess } from '../support/broker-process.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { describeCluster } from '../support/wire-client.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

const LOST = 'ZooKeeper session lost';

let zookeeper: TestZooKeeper;

beforeAll(async () => {
  zookeeper = await startZooKeeper();
});

afterAll(async () => {
  await zookeeper.close();
});

describe('a broker starts', () => {
  it.each([1, 2, 4, 8, 16, 24])('after ZooKeeper was silent from its reply %i on', async (replyCount) => {
    const proxy = await TcpProxy.start(Number(zookeeper.connectString.split(':')[1]?.split('/')[0]));
    onTestFinished(() => proxy.close());
    const port = await freePort();
    const properties = new Map([
      ['broker.id', '-1'],
      ['listeners', `PLAINTEXT://127.0.0.1:${port}`],
      ['zookeeper.connect', `${proxy.address}/from-${replyCount}`],
      ['zookeeper.session.timeout.ms', '1000'],
    ]);
    const directory = mkdtempSync(path.join(tmpdir(), 'barnabas-start-'));
    const broker = new BrokerProcess({ id: 1, port, directory, implementation: 'barnabas', properties });
    onTestFinished(() => broker.close());
    const silenced = proxy.blackHoleAfter(replyCount);
    const started = broker.start();
    await silenced;
    await Promise.race([started, eventually(() => broker.output.includes(LOST))]);
    expect(broker.output).toContain(LOST);
    proxy.heal();
    await started;
    expect(broker.faults).toEqual([]);
    const { brokers } = await describeCluster(broker.address);
    expect(brokers.map((found) => found.port)).toEqual([port]);
  });
});
