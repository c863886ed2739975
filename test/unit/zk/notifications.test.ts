/** Notifications that are many: an hour of changes by a script must not slow down the next one, nor the next start. */
import { beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { ensurePersistentPaths } from '../../../src/zk/bootstrap.ts';
import { watchConfigChanges, writeTopicConfig } from '../../../src/zk/configs.ts';
import { NOTIFICATION_EXPIRATION_MS } from '../../../src/zk/notifications.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryZooKeeper, type MemoryZooKeeperClient } from '../../support/memory-zookeeper.ts';

let zk: MemoryZooKeeperClient;
let clock: ManualClock;
let reads: number;
let seen: string[];

beforeEach(async () => {
  zk = new MemoryZooKeeper().client();
  clock = new ManualClock();
  await ensurePersistentPaths(zk);
  const get = zk.get.bind(zk);
  zk.get = (path) => {
    reads++;
    return get(path);
  };
  seen = [];
});

const watch = () => watchConfigChanges(zk, ({ name }) => void seen.push(name), { clock, logger: silentLogger });

it('are handed out once for each that is named, after the last time it was', async () => {
  for (let index = 0; index < 60; index++) await writeTopicConfig(zk, index % 3 === 0 ? 'a' : 'b', new Map());
  await writeTopicConfig(zk, 'a', new Map());
  const listener = await watch();
  expect(seen).toEqual(['b', 'a']);
  await listener.close();
});

it('are not all read again with each new one', async () => {
  for (let index = 0; index < 1000; index++) await writeTopicConfig(zk, `t${index}`, new Map());
  const listener = await watch();
  expect(seen).toHaveLength(1000);
  expect(seen.at(-1)).toBe('t999');
  reads = 0;
  await writeTopicConfig(zk, 'new', new Map());
  await expect.poll(() => seen.length).toBe(1001);
  await listener.close();
  expect(reads).toBeLessThan(200);
});

it('are all removed when they are old', async () => {
  for (let index = 0; index < 250; index++) await writeTopicConfig(zk, `t${index}`, new Map());
  clock.advance(Date.now() + 2 * NOTIFICATION_EXPIRATION_MS);
  const listener = await watch();
  expect(seen).toHaveLength(250);
  expect(await zk.children('/config/changes')).toEqual([]);
  await listener.close();
});
