/** Overrides as they are read from ZooKeeper. */
import { expect, it } from 'vitest';
import { ensurePersistentPaths } from '../../../src/zk/bootstrap.ts';
import { readConfigs, readTopicConfig } from '../../../src/zk/configs.ts';
import { MemoryZooKeeper } from '../../support/memory-zookeeper.ts';

it('a configuration that cannot be understood does not keep the others from being read', async () => {
  const zk = new MemoryZooKeeper().client();
  await ensurePersistentPaths(zk);
  await zk.create('/config/topics/good', Buffer.from('{"version":1,"config":{"retention.ms":"5"}}'));
  await zk.create('/config/topics/bad', Buffer.from('{"version":1,"config":'));
  const configs = await readConfigs(zk, 'topics', ['good', 'bad', 'none']);
  expect(configs.get('good')).toEqual(new Map([['retention.ms', '5']]));
  expect(configs.get('none')).toEqual(new Map());
  expect(configs.get('bad')).toMatchObject({ name: 'ZnodeFormatError', path: '/config/topics/bad' });
  await expect(readTopicConfig(zk, 'bad')).rejects.toThrow('Failed to parse the data of znode /config/topics/bad');
});
