/** Offsets of consumers of before Kafka 0.9, against one real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isZnodeName, readConsumerOffset, writeConsumerOffset } from '../../src/zk/consumer-offsets.ts';
import { ZnodeFormatError } from '../../src/zk/znode-json.ts';
import { newCluster } from '../support/zookeeper-cluster.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

let server: TestZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server.close());

describe('the offsets of old consumers', () => {
  it('are digits in a znode that is made when it is first written', async () => {
    const { zk } = await newCluster(server);
    expect(await readConsumerOffset(zk, 'g', 't', 3)).toBeNull();
    await writeConsumerOffset(zk, 'g', 't', 3, 41);
    await writeConsumerOffset(zk, 'g', 't', 3, 42);
    expect(await readConsumerOffset(zk, 'g', 't', 3)).toBe(42);
    expect((await zk.get('/consumers/g/offsets/t/3'))?.data?.toString()).toBe('42');
    expect(await readConsumerOffset(zk, 'g', 't', 4)).toBeNull();
  });

  it('are none while another has only made the znode, and an error when it holds something else', async () => {
    const { zk } = await newCluster(server);
    await zk.createRecursive('/consumers/g/offsets/t/0');
    expect(await readConsumerOffset(zk, 'g', 't', 0)).toBeNull();
    await zk.set('/consumers/g/offsets/t/0', Buffer.from('many'), -1);
    await expect(readConsumerOffset(zk, 'g', 't', 0)).rejects.toThrow(ZnodeFormatError);
  });

  it.each(['g', 'a.b', 'with space', 'grüße', '...'])('may be of the group "%s"', async (group) => {
    const { zk } = await newCluster(server);
    expect(isZnodeName(group)).toBe(true);
    await writeConsumerOffset(zk, group, 't', 0, 7);
    expect(await readConsumerOffset(zk, group, 't', 0)).toBe(7);
  });

  it.each(['', '.', '..', 'a/b', '../../brokers', 'a\u0000b', 'a\u0085b', '\ud83d\ude00', '\uffff'])(
    'may not be of the group %j, which is no name of a znode',
    (group) => {
      expect(isZnodeName(group)).toBe(false);
    },
  );
});
