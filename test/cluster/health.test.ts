/** Health over HTTP, through the life of a broker and the death of ZooKeeper. */
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { withCluster } from '../support/use-cluster.ts';

async function ask(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('a broker is ready as long as ZooKeeper knows it, and live as long as it runs', () =>
  withCluster({ brokers: 1, overrides: WITH_HTTP }, async (cluster) => {
    const broker = cluster.broker(1);
    const address = httpAddress(broker);
    expect(await ask(`${address}/health/ready`)).toEqual({
      status: 200,
      body: { status: 'ready', broker_id: 1, controller_id: 1, reasons: [] },
    });
    expect((await ask(`${address}/other`)).body).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' });

    await cluster.zookeeper.servers[0]?.kill();
    await eventually(async () => {
      const { status, body } = await ask(`${address}/health/ready`);
      expect(status).toBe(503);
      expect(body).toMatchObject({ reasons: [{ check: 'registration' }, { check: 'controller' }] });
    });
    expect(await ask(`${address}/health/live`)).toEqual({ status: 200, body: { status: 'live', broker_id: 1 } });

    await cluster.zookeeper.servers[0]?.start();
    await eventually(async () => expect((await ask(`${address}/health/ready`)).status).toBe(200));

    expect(await broker.stop()).toBe(0);
    await expect(fetch(`${address}/health/live`)).rejects.toThrow('fetch failed');
  }));
