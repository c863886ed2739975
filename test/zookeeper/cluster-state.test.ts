/** What the controller writes and what every broker hears of, against one real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/lib/clock.ts';
import {
  readConfigNames,
  readStoredConfig,
  readTopicConfig,
  replaceConfig,
  watchConfigChanges,
  writeConfig,
  writeTopicConfig,
} from '../../src/zk/configs.ts';
import { readControllerId } from '../../src/zk/election.ts';
import { ControllerMovedError, FencedWriter } from '../../src/zk/fenced-writer.ts';
import { notifyLogDirFailure, readLogDirEventPaths, readLogDirEvents } from '../../src/zk/log-dir-events.ts';
import { NOTIFICATION_EXPIRATION_MS } from '../../src/zk/notifications.ts';
import { readPartitionStates } from '../../src/zk/partition-states.ts';
import { markForDeletion, readDeleteTopics, readTopicAssignments, readTopicNames } from '../../src/zk/topics.ts';
import { eventually } from '../support/eventually.ts';
import { context, electedWriter, leaderAndIsr, newCluster, replicas } from '../support/zookeeper-cluster.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

let server: TestZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server.close());

/** A broker's clock that is past the life of any notification written now. */
class LateClock extends SystemClock {
  override nowMs(): number {
    return super.nowMs() + NOTIFICATION_EXPIRATION_MS + 60_000;
  }
}

describe('the controller', () => {
  const topicId = 'Fs1ZkXh4Q5mMXX9c4fB5bA';

  it('creates a topic with its configuration once, and the states of its partitions', async () => {
    const { zk } = await newCluster(server);
    const writer = await electedWriter(zk, 1);
    const assignment = new Map([
      [0, replicas(1, 2, 3)],
      [1, replicas(2, 3, 1)],
    ]);
    const topic = { topic: 'a', topicId, assignment, config: new Map([['retention.ms', '1000']]) };
    expect(await writer.createTopic(topic)).toBe('created');
    expect(await writer.createTopic(topic)).toBe('exists');
    expect(await readTopicNames(zk)).toEqual(['a']);
    const { config, ...stored } = topic;
    expect(await readTopicAssignments(zk, ['a', 'missing'])).toEqual(new Map([['a', stored]]));
    expect(await readTopicConfig(zk, 'a')).toEqual(config);

    const states = [
      { topic: 'a', partition: 0, leaderAndIsr: leaderAndIsr(1, 0, 0) },
      { topic: 'a', partition: 1, leaderAndIsr: leaderAndIsr(2, 0, 0) },
      { topic: 'missing', partition: 0, leaderAndIsr: leaderAndIsr(1, 0, 0) },
    ];
    expect(await writer.createPartitionStates(states)).toEqual(
      new Map<string, unknown>([
        ['a-0', 0],
        ['a-1', 0],
        ['missing-0', 'NO_NODE'],
      ]),
    );
    const more = { topic: 'a', partition: 2, leaderAndIsr: leaderAndIsr(3, 0, 0) };
    expect(await writer.createPartitionStates([...states.slice(0, 1), more])).toEqual(
      new Map<string, unknown>([
        ['a-0', 'NODE_EXISTS'],
        ['a-2', 0],
      ]),
    );
    expect(await readPartitionStates(zk, [...states, more])).toEqual(
      new Map([
        ['a-0', { ...leaderAndIsr(1, 0, 0), controllerEpoch: 1 }],
        ['a-1', { ...leaderAndIsr(2, 0, 0), controllerEpoch: 1 }],
        ['a-2', { ...leaderAndIsr(3, 0, 0), controllerEpoch: 1 }],
      ]),
    );
    await writer.updateTopicAssignment({ ...stored, assignment: new Map([[0, replicas(3)]]) });
    expect((await readTopicAssignments(zk, ['a'])).get('a')?.assignment).toEqual(new Map([[0, replicas(3)]]));
    await expect(writer.updateTopicAssignment({ ...stored, topic: 'missing' })).rejects.toMatchObject({
      code: 'NO_NODE',
    });
  });

  it('takes over configuration that an earlier topic of that name left', async () => {
    const { zk } = await newCluster(server);
    await writeTopicConfig(zk, 'a', new Map([['old', '1']]));
    const writer = await electedWriter(zk, 1);
    const topic = { topic: 'a', topicId, assignment: new Map([[0, replicas(1)]]), config: new Map([['new', '2']]) };
    expect(await writer.createTopic(topic)).toBe('created');
    expect(await readTopicConfig(zk, 'a')).toEqual(topic.config);
  });

  it('changes hundreds of states at once; one that is refused does not hold up the others', async () => {
    const { zk, throughProxy } = await newCluster(server);
    const writer = await electedWriter(zk, 1);
    const partitions = Array.from({ length: 250 }, (_, partition) => partition);
    const assignment = new Map(partitions.map((partition) => [partition, replicas(1, 2, 3)]));
    await writer.createTopic({ topic: 'a', topicId, assignment, config: new Map() });
    const write = (partition: number, epoch: number) => ({
      topic: 'a',
      partition,
      leaderAndIsr: leaderAndIsr(2, 1, epoch),
    });
    await writer.createPartitionStates(partitions.map((partition) => write(partition, 0)));
    expect(await writer.updatePartitionStates([write(7, 0)])).toEqual(new Map([['a-7', 1]]));

    const writes = [...partitions.map((partition) => write(partition, 0)), write(999, 0)];
    const results = await writer.updatePartitionStates(writes);
    expect(results.size).toBe(251);
    for (const [key, result] of results)
      expect(result, key).toBe(key === 'a-7' ? 'BAD_VERSION' : key === 'a-999' ? 'NO_NODE' : 1);
    const states = await readPartitionStates(zk, writes);
    expect(states.get('a-0')).toEqual({ ...leaderAndIsr(2, 1, 1), controllerEpoch: 1 });

    // A lost reply is not taken for a conflict, nor a conflict for a lost reply.
    const { zk: flaky, proxy } = await throughProxy();
    const lost = proxy.loseNextReply();
    const again = await new FencedWriter(flaky, 1, 1).updatePartitionStates([write(1, 1), write(2, 1)]);
    await lost;
    expect(again).toEqual(
      new Map([
        ['a-1', 2],
        ['a-2', 2],
      ]),
    );
  });

  it('that was deposed can write nothing any more', async () => {
    const { zk, another } = await newCluster(server);
    const deposed = await electedWriter(zk, 1);
    const topic = { topic: 'a', topicId, assignment: new Map([[0, replicas(1)]]), config: new Map<string, string>() };
    await deposed.createTopic(topic);
    const state = { topic: 'a', partition: 0, leaderAndIsr: leaderAndIsr(1, 0, 0) };
    await deposed.createPartitionStates([state]);
    await zk.delete('/controller', 0);
    const writer = await electedWriter(await another(), 2);
    await markForDeletion(zk, 'a');
    await notifyLogDirFailure(zk, 1);
    const notifications = await readLogDirEventPaths(zk);

    const attempts = [
      () => deposed.createTopic({ ...topic, topic: 'b' }),
      () => deposed.updateTopicAssignment(topic),
      () => deposed.createPartitionStates([{ ...state, partition: 1 }]),
      () => deposed.updatePartitionStates([state]),
      () => deposed.deleteTopic('a'),
      () => deposed.deleteMarker('a'),
      () => deposed.deleteNotifications(notifications),
      () => deposed.resign(),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow(ControllerMovedError);
    expect(await readTopicNames(zk)).toEqual(['a']);
    expect(await readDeleteTopics(zk)).toEqual(['a']);
    expect(await readControllerId(zk)).toBe(2);
    expect((await readPartitionStates(zk, [state])).get('a-0')?.partitionEpoch).toBe(0);
    expect(await writer.updatePartitionStates([state])).toEqual(new Map([['a-0', 1]]));
  });

  it('deletes a topic with all that belongs to it, also when half of it is gone already', async () => {
    const { zk } = await newCluster(server);
    const writer = await electedWriter(zk, 1);
    const assignment = new Map(Array.from({ length: 120 }, (_, partition) => [partition, replicas(1)] as const));
    await writer.createTopic({ topic: '__proto__', topicId, assignment, config: new Map([['a', 'b']]) });
    const states = [...assignment.keys()].map((partition) => ({
      topic: '__proto__',
      partition,
      leaderAndIsr: leaderAndIsr(1, 0, 0),
    }));
    await writer.createPartitionStates(states);
    await markForDeletion(zk, '__proto__');
    await markForDeletion(zk, '__proto__');
    await zk.delete('/config/topics/__proto__', 0);
    await writer.deleteTopic('__proto__');
    await writer.deleteTopic('__proto__');
    expect(await readTopicNames(zk)).toEqual([]);
    expect(await readDeleteTopics(zk)).toEqual([]);
    expect(await readConfigNames(zk, 'topics')).toEqual([]);
  });

  it('hears of failed log directories and removes what it has read', async () => {
    const { zk } = await newCluster(server);
    const writer = await electedWriter(zk, 1);
    let changes = 0;
    zk.watchChildren('/log_dir_event_notification', () => changes++);
    expect(await readLogDirEvents(zk)).toEqual({ brokerIds: [], paths: [] });
    await notifyLogDirFailure(zk, 3);
    await notifyLogDirFailure(zk, 2);
    await notifyLogDirFailure(zk, 3);
    expect(changes).toBe(1);
    const events = await readLogDirEvents(zk);
    expect(events.brokerIds).toEqual([2, 3]);
    await writer.deleteNotifications(events.paths);
    expect(await readLogDirEventPaths(zk)).toEqual([]);
  });
});

describe('a change of configuration', () => {
  it('is told to every broker once, in order, and read anew', async () => {
    const { zk, another } = await newCluster(server);
    await writeTopicConfig(zk, 'before', new Map([['a', '1']]));
    const brokers = [await another(), await another()];
    const seen: string[][] = [[], []];
    const listeners = await Promise.all(
      brokers.map((broker, index) =>
        watchConfigChanges(broker, ({ type, name }) => void seen[index]?.push(`${type}/${name}`), context),
      ),
    );
    expect(seen).toEqual([['topics/before'], ['topics/before']]);
    const expected = ['topics/before'];
    for (let index = 0; index < 20; index++) {
      await writeConfig(zk, 'brokers', String(index), new Map([['x', String(index)]]));
      expected.push(`brokers/${index}`);
    }
    await eventually(() => seen.every((list) => list.length === expected.length));
    expect(seen).toEqual([expected, expected]);
    await Promise.all(listeners.map((listener) => listener.close()));
    await writeTopicConfig(zk, 'after', new Map());
    await Promise.all(brokers.map((broker) => broker.barrier()));
    expect(seen).toEqual([expected, expected]);
    expect(await readTopicConfig(zk, 'before')).toEqual(new Map([['a', '1']]));
    expect(await readTopicConfig(zk, 'never')).toEqual(new Map());
  });

  it('that cannot be understood, or whose handling fails, does not hold up the next one', async () => {
    const { zk } = await newCluster(server);
    const seen: string[] = [];
    const listener = await watchConfigChanges(
      zk,
      ({ name }) => {
        seen.push(name);
        if (name === 'bad') throw new Error('cannot be applied');
      },
      context,
    );
    for (const data of ['no json', '{"version":3}', '{"version":2,"entity_path":"topics"}', '[]'])
      await zk.create('/config/changes/config_change_', Buffer.from(data), { sequential: true });
    await zk.create('/config/changes/config_change_', null, { sequential: true });
    await writeTopicConfig(zk, 'bad', new Map());
    await writeTopicConfig(zk, 'good', new Map());
    await eventually(() => seen.length === 2);
    expect(seen).toEqual(['bad', 'good']);
    await listener.close();
  });

  it('is forgotten after a quarter of an hour, by whoever comes by', async () => {
    const { zk } = await newCluster(server);
    await writeTopicConfig(zk, 'old', new Map());
    const seen: string[] = [];
    const late = { ...context, clock: new LateClock() };
    const listener = await watchConfigChanges(zk, ({ name }) => void seen.push(name), late);
    expect(seen).toEqual(['old']);
    expect(await zk.children('/config/changes')).toEqual([]);
    await listener.close();
  });

  it('is told again after a lost session, so that none is missed', async () => {
    const { zk, throughProxy } = await newCluster(server);
    const { zk: broker, proxy } = await throughProxy({ sessionTimeoutMs: 600 });
    const seen: string[] = [];
    const listener = await watchConfigChanges(broker, ({ name }) => void seen.push(name), context);
    proxy.refuse();
    await eventually(() => broker.state === 'LOST');
    await writeTopicConfig(zk, 'meanwhile', new Map());
    proxy.heal();
    await eventually(() => seen.includes('meanwhile'));
    await writeTopicConfig(zk, 'later', new Map());
    await eventually(() => seen.includes('later'));
    await listener.close();
  });
});

describe('overrides that are compared before they are replaced', () => {
  it('are written if nobody else wrote them, and only for topics that exist', async () => {
    const { zk } = await newCluster(server);
    const config = new Map([['retention.ms', '1']]);
    expect(await replaceConfig(zk, 'topics', 't', config, null)).toBe('gone');
    expect(await readStoredConfig(zk, 'topics', 't')).toEqual({ config: new Map(), problem: null, version: null });
    await zk.create('/brokers/topics/t', null);
    expect(await replaceConfig(zk, 'topics', 't', config, null)).toBe('written');
    expect(await replaceConfig(zk, 'topics', 't', new Map(), null)).toBe('stale');
    expect(await readStoredConfig(zk, 'topics', 't')).toEqual({ config, problem: null, version: 0 });
    expect(await replaceConfig(zk, 'topics', 't', new Map([['a', '2']]), 0)).toBe('written');
    expect(await replaceConfig(zk, 'topics', 't', new Map([['a', '3']]), 0)).toBe('stale');
    expect(await readTopicConfig(zk, 't')).toEqual(new Map([['a', '2']]));
    await zk.delete('/brokers/topics/t', -1);
    expect(await replaceConfig(zk, 'topics', 't', new Map(), 1)).toBe('gone');
    expect(await replaceConfig(zk, 'brokers', '<default>', config, null)).toBe('written');
    // One notification for each that was written.
    expect(await zk.children('/config/changes')).toHaveLength(3);
  });
});
