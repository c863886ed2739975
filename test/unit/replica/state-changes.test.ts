/** The controller's orders through their bytes, over real logs. */
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/lib/deferred.ts';
import { LeaderAndIsr } from '../../../src/protocol/messages/04-leader-and-isr.ts';
import { diskError, CrashDisk } from '../../support/crash-disk.ts';
import { DataPlane, isSettled, nextTurn, TOPIC } from '../../support/data-plane.ts';

const TWO = { isr: [1, 2], replicas: [1, 2] };
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const FULL = 2;

describe('LeaderAndIsr', () => {
  it('makes leaders and followers, with the settings of their topics loaded first', async () => {
    const plane = await DataPlane.open();
    const roles = [{ partition: 0 }, { partition: 1, ...TWO, leader: 2 }];
    expect(await plane.order(roles)).toEqual(['NONE', 'NONE']);
    expect(plane.loadedTopics).toEqual([TOPIC]);
    expect(plane.partition(0).isLeader).toBe(true);
    expect(plane.partition(1)).toMatchObject({ isLeader: false, leaderId: 2, leaderEpoch: 1 });
    await plane.order([{ partition: 0, leaderEpoch: 2 }]);
    expect(plane.loadedTopics).toEqual([TOPIC]);
  });

  it('tells who became what, once for each epoch', async () => {
    const plane = await DataPlane.open();
    const heard: string[] = [];
    plane.partitions.onLeadershipChange(({ becameLeader, becameFollower }) => {
      heard.push(`leader (${becameLeader.map(({ partition }) => partition)})`);
      heard.push(`follower (${becameFollower.map(({ partition }) => partition)})`);
    });
    await plane.order([{ partition: 0 }, { partition: 1, ...TWO, leader: 2 }]);
    await plane.order([{ partition: 0 }, { partition: 1, ...TWO, leader: 2, partitionEpoch: 1 }]);
    expect(heard).toEqual(['leader (0)', 'follower (1)']);
  });

  it.each([
    ['an older leader epoch', { leaderEpoch: 4 }, 'STALE_CONTROLLER_EPOCH'],
    ['the same state again', {}, 'STALE_CONTROLLER_EPOCH'],
    ['the same epochs with an older partition epoch', { partitionEpoch: 2 }, 'STALE_CONTROLLER_EPOCH'],
    ['another leader in the same epoch', { leader: 2, partitionEpoch: 9 }, 'STALE_CONTROLLER_EPOCH'],
    ['another topic id', { leaderEpoch: 6, topicId: OTHER_ID }, 'INCONSISTENT_TOPIC_ID'],
    [
      'replicas that this broker is not among',
      { leaderEpoch: 6, leader: 2, replicas: [2, 3] },
      'UNKNOWN_TOPIC_OR_PARTITION',
    ],
  ])('is not obeyed for %s', async (_what, role, error) => {
    const plane = await DataPlane.open();
    const known = { ...TWO, leaderEpoch: 5, partitionEpoch: 3 };
    await plane.order([known]);
    expect(await plane.order([{ ...known, ...role }])).toEqual([error]);
    expect(plane.partition()).toMatchObject({ isLeader: true, leaderEpoch: 5, partitionEpoch: 3 });
  });

  it.each([
    ['a leader epoch that no controller gives', { leaderEpoch: -1 }, 'INVALID_REQUEST'],
    ['a topic that leads out of the log directory', { topic: '../../orders' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a topic that no file can be called by', { topic: 'orders\0' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a topic with too long a name', { topic: 'o'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION'],
    ['a partition below 0', { partition: -3 }, 'INVALID_TOPIC_EXCEPTION'],
  ])('is refused for %s, and the disk is not blamed for it', async (_what, role, error) => {
    const plane = await DataPlane.open();
    expect(await plane.order([role])).toEqual([error]);
    expect([...plane.logs.all()]).toEqual([]);
    expect(plane.logs.hasOfflineDirectory).toBe(false);
  });

  it('makes no log for a topic whose configuration makes no sense, until it makes some', async () => {
    const plane = await DataPlane.open();
    plane.topicsWithoutConfig.add(TOPIC);
    expect(await plane.order([{}, { topic: 'bills', topicId: OTHER_ID }])).toEqual(['KAFKA_STORAGE_ERROR', 'NONE']);
    expect([...plane.logs.all()].map(({ name }) => name)).toEqual(['bills-0']);
    plane.topicsWithoutConfig.clear();
    expect(await plane.order([{}])).toEqual(['NONE']);
    // The log is there and has its configuration: what was stored since does not take it away.
    plane.topicsWithoutConfig.add(TOPIC);
    expect(await plane.order([{ leaderEpoch: 2 }])).toEqual(['NONE']);
  });

  it('of the same leader epoch and a newer partition epoch brings the ISR up to date', async () => {
    const plane = await DataPlane.open();
    await plane.order([{ isr: [1], replicas: [1, 2], leaderEpoch: 5 }]);
    expect(await plane.order([{ ...TWO, leaderEpoch: 5, partitionEpoch: 1 }])).toEqual(['NONE']);
    expect(plane.partition().leaderState?.isr).toEqual([1, 2]);
  });

  it('with no leader makes a follower of nobody', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    expect(await plane.order([{ ...TWO, leader: -1, leaderEpoch: 2 }])).toEqual(['NONE']);
    expect(plane.partition().isLeader).toBe(false);
    await nextTurn();
    expect(plane.connects).toEqual([]);
  });

  it('of a former controller is refused as a whole', async () => {
    const plane = await DataPlane.open();
    await plane.order([{}], { controllerEpoch: 7 });
    expect(await plane.order([{ leaderEpoch: 2 }], { controllerEpoch: 6 })).toEqual(['STALE_CONTROLLER_EPOCH']);
    expect(plane.partition().leaderEpoch).toBe(1);
  });

  it('for a former incarnation of this broker is refused as a whole, for a coming one obeyed', async () => {
    const plane = await DataPlane.open();
    expect(await plane.order([{}], { brokerEpoch: 99 })).toEqual(['STALE_BROKER_EPOCH']);
    expect(await plane.order([{}], { brokerEpoch: 101 })).toEqual(['NONE']);
  });

  it('is refused as long as this incarnation has no registration of its own', async () => {
    const plane = await DataPlane.open();
    plane.brokerEpoch = -1;
    expect(await plane.order([{}], { brokerEpoch: 99 })).toEqual(['STALE_BROKER_EPOCH']);
    expect([...plane.logs.all()]).toEqual([]);
  });

  it('is refused when a newer controller has spoken while it waited for the settings', async () => {
    const plane = await DataPlane.open();
    plane.onLoad = async () => {
      await plane.announce([{}], { controllerEpoch: 8 });
    };
    expect(await plane.order([{}], { controllerEpoch: 7 })).toEqual(['STALE_CONTROLLER_EPOCH']);
    expect(plane.partitions.find(TOPIC, 0)).toBe('NOT_LEADER_OR_FOLLOWER');
  });

  it('waits for the one before it', async () => {
    const plane = await DataPlane.open();
    let go: () => void = () => expect.fail('not waiting');
    plane.onLoad = () => new Promise((resolve) => (go = resolve));
    const first = plane.order([{ partition: 0 }]);
    const second = plane.stop(0, 1, true);
    expect(await isSettled(second)).toBe(false);
    go();
    expect(await first).toEqual(['NONE']);
    expect(await second).toBe('NONE');
    expect(plane.logs.get(TOPIC, 0)).toBeUndefined();
  });

  it('finds the log and its high watermark again after a restart', async () => {
    const disk = new CrashDisk();
    const plane = await DataPlane.open({}, disk);
    await plane.lead();
    plane.append(['a', 'b']);
    await plane.partitions.close();
    await plane.logs.close(100);
    const again = await DataPlane.open({}, disk);
    await again.order([{ ...TWO, leaderEpoch: 2 }]);
    expect(again.partition().log).toMatchObject({ logEndOffset: 2, highWatermark: 2 });
  });

  it('that is FULL puts aside the logs that it does not name, or names under another id', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ partition: 0 }, { partition: 1 });
    await plane.order([{ topic: 'bills', topicId: OTHER_ID }]);
    expect(await plane.order([{ partition: 0, leaderEpoch: 2 }], { type: FULL })).toEqual(['NONE']);
    expect(plane.partition(0).leaderEpoch).toBe(2);
    expect(plane.partitions.find(TOPIC, 1)).toBe('NOT_LEADER_OR_FOLLOWER');
    expect([...plane.logs.all()].map(({ name }) => name)).toEqual([`${TOPIC}-0`]);
    expect(await plane.order([{ topicId: OTHER_ID }], { type: FULL })).toEqual(['NONE']);
    expect(plane.partition(0).topicId).toBe(OTHER_ID);
  });

  it('that is not FULL leaves alone what it does not name', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ partition: 0 }, { partition: 1 });
    await plane.order([{ partition: 0, leaderEpoch: 2 }]);
    expect(plane.partition(1).isLeader).toBe(true);
  });

  it('tells the controller of a failed disk, then and later', async () => {
    const disk = new CrashDisk();
    const plane = await DataPlane.open({}, disk);
    disk.fault = (operation) => (operation === 'open' ? diskError('EIO', 'open') : null);
    expect(await plane.order([{}])).toEqual(['KAFKA_STORAGE_ERROR']);
    expect(await plane.order([{ leaderEpoch: 2 }])).toEqual(['KAFKA_STORAGE_ERROR']);
    expect(plane.partitions.find(TOPIC, 0)).toBe('KAFKA_STORAGE_ERROR');
    expect(plane.partitions.offlineCount).toBe(1);
    expect(await plane.stop(0, 2, false)).toBe('KAFKA_STORAGE_ERROR');
  });

  it('waits for the registration that the controller has seen before this broker', async () => {
    const plane = await DataPlane.open();
    const registered = new Deferred();
    plane.registration = registered.promise;
    plane.brokerEpoch = -1;
    const orders = [plane.order([{}], { brokerEpoch: 100 }), plane.order([{}], { brokerEpoch: 99 })];
    const announced = plane.announce([{}], { brokerEpoch: 100 });
    await nextTurn();
    expect(plane.loadedTopics).toEqual([]);
    plane.brokerEpoch = 100;
    registered.resolve();
    expect(await Promise.all(orders)).toEqual([['NONE'], ['STALE_BROKER_EPOCH']]);
    expect(await announced).toBe('NONE');
    expect(plane.partition(0).isLeader).toBe(true);
  });

  it('after the end of the broker is refused', async () => {
    const plane = await DataPlane.open();
    await plane.partitions.close();
    expect(await plane.order([{}])).toEqual(['STALE_BROKER_EPOCH']);
  });

  it('makes a follower fetch from its leader, and not from the one before', async () => {
    const plane = await DataPlane.open();
    await plane.order([{ isr: [1, 2, 3], leader: 2 }]);
    await nextTurn();
    await plane.order([{ isr: [1, 2, 3], leader: 3, leaderEpoch: 2 }]);
    await nextTurn();
    plane.clock.advance(3000);
    await nextTurn();
    expect(plane.connects.slice(0, 2)).toEqual([2, 3]);
    expect(new Set(plane.connects.slice(2))).toEqual(new Set([3]));
    await plane.partitions.close();
  });
});

describe('the check for followers that lag', () => {
  it('is left out once when the process stood still, so that their fetches are heard first', async () => {
    const plane = await DataPlane.open();
    plane.partitions.start();
    await plane.lead(TWO);
    plane.append(['a']);
    // The clock jumps: the timer of 15 s runs after 40 s.
    plane.clock.stall(40_000);
    expect(plane.isrChanges).toHaveLength(0);
    plane.clock.advance(15_000);
    expect(plane.isrChanges).toHaveLength(1);
    await plane.partitions.close();
  });
});

describe('the death of a broker', () => {
  it('lets the high watermark go on without its followers outside the ISR', async () => {
    const plane = await DataPlane.open();
    plane.partitions.start();
    await plane.lead({ isr: [1, 2], replicas: [1, 2, 3] });
    await plane.fetchAs(3, { fetchOffset: 0 });
    plane.append(['a']);
    await plane.fetchAs(2, { fetchOffset: 1 });
    // 3 has just had everything, so it is waited for.
    expect(plane.partition().log.highWatermark).toBe(0);
    plane.isrChanges[0]?.onFailed('INELIGIBLE_REPLICA');
    await plane.announce([], { liveBrokers: [] });
    expect(plane.partition().log.highWatermark).toBe(1);
    await plane.partitions.close();
  });
});

describe('a disk that fails while a partition is served', () => {
  it('takes the partition out of service in the same turn', async () => {
    const disk = new CrashDisk();
    const plane = await DataPlane.open({}, disk);
    await plane.lead();
    disk.fault = (operation) => (operation === 'append' ? diskError('EIO', 'write') : null);
    expect(() => plane.append(['a'])).toThrow();
    expect(plane.partitions.find(TOPIC, 0)).toBe('KAFKA_STORAGE_ERROR');
  });
});

describe('StopReplica', () => {
  it('stops a replica and keeps its log, or deletes it', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    expect(await plane.stop(0, 1, false)).toBe('NONE');
    expect(plane.logs.get(TOPIC, 0)).toBeDefined();
    expect(await plane.stop(0, 1, true)).toBe('NONE');
    expect(plane.logs.get(TOPIC, 0)).toBeUndefined();
    expect(plane.partitions.find(TOPIC, 0)).toBe('NOT_LEADER_OR_FOLLOWER');
  });

  it.each([
    ['of an older leader epoch is fenced', 4, 'FENCED_LEADER_EPOCH'],
    ['of the same leader epoch is obeyed', 5, 'NONE'],
    ['for a topic that is deleted is obeyed', -2, 'NONE'],
    ['without an epoch is obeyed', -1, 'NONE'],
  ])('%s', async (_what, leaderEpoch, error) => {
    const plane = await DataPlane.open();
    await plane.lead({ leaderEpoch: 5 });
    expect(await plane.stop(0, leaderEpoch, true)).toBe(error);
  });

  it('deletes what was left of a topic that was deleted while the broker was away', async () => {
    const plane = await DataPlane.open();
    plane.logs.getOrCreate(TOPIC, 0, OTHER_ID, plane.config, { isNew: true });
    expect(await plane.stop(0, -2, true)).toBe('NONE');
    expect(plane.logs.get(TOPIC, 0)).toBeUndefined();
    expect(await plane.stop(0, -2, true)).toBe('NONE');
  });

  it('of a former controller, or for a former incarnation, is refused', async () => {
    const plane = await DataPlane.open();
    await plane.order([{}], { controllerEpoch: 7 });
    expect(await plane.stop(0, 1, true, { controllerEpoch: 6 })).toBe('STALE_CONTROLLER_EPOCH');
    expect(await plane.stop(0, 1, true, { controllerEpoch: 7, brokerEpoch: 99 })).toBe('STALE_BROKER_EPOCH');
    expect(plane.partition().isLeader).toBe(true);
  });
});

describe('UpdateMetadata', () => {
  it('of a former controller, or for a former incarnation, is refused', async () => {
    const plane = await DataPlane.open();
    expect(await plane.announce([{}], { controllerEpoch: 7 })).toBe('NONE');
    expect(await plane.announce([{ leader: 2 }], { controllerEpoch: 6 })).toBe('STALE_CONTROLLER_EPOCH');
    expect(await plane.announce([{ leader: 2 }], { controllerEpoch: 7, brokerEpoch: 99 })).toBe('STALE_BROKER_EPOCH');
    expect(plane.metadata.partition(TOPIC, 0)?.leader).toBe(1);
    expect(plane.metadata.controllerId).toBe(9);
  });

  it('counts the epochs of all orders together', async () => {
    const plane = await DataPlane.open();
    await plane.announce([{}], { controllerEpoch: 7 });
    expect(await plane.order([{}], { controllerEpoch: 6 })).toEqual(['STALE_CONTROLLER_EPOCH']);
    const response = await plane.desk.ask(LeaderAndIsr, 7, {
      controllerId: 9,
      controllerEpoch: 6,
      brokerEpoch: 100,
      type: 1,
      topicStates: [],
      liveLeaders: [],
    });
    expect(response).toMatchObject({ errorCode: 11, topics: [] });
  });
});
