/** What UpdateMetadata does to the picture that a broker has of its cluster. */
import { describe, expect, it } from 'vitest';
import { MetadataCache } from '../../../src/metadata/metadata-cache.ts';
import { CONTROL_REQUEST_TYPE, type UpdateMetadataContent } from '../../../src/metadata/metadata-image.ts';

const { INCREMENTAL, FULL } = CONTROL_REQUEST_TYPE;
const ID_ONE = 'AAAAAAAAAAAAAAAAAAAAAQ';
const ID_TWO = 'AAAAAAAAAAAAAAAAAAAAAg';

type Topic = UpdateMetadataContent['topicStates'][number];

function topic(topicName: string, topicId: string, partitions: Record<number, number>): Topic {
  return {
    topicName,
    topicId,
    partitionStates: Object.entries(partitions).map(([index, leader]) => ({
      partitionIndex: Number(index),
      controllerEpoch: 1,
      leader,
      leaderEpoch: 3,
      isr: [leader],
      zkVersion: 7,
      replicas: [1, 2],
      offlineReplicas: [],
    })),
  };
}

function update(type: number, topicStates: Topic[], brokerIds: number[] = [1, 2]): UpdateMetadataContent {
  return {
    controllerId: 1,
    controllerEpoch: 1,
    type,
    topicStates,
    liveBrokers: brokerIds.map((id) => ({
      id,
      rack: id === 1 ? 'r1' : null,
      endpoints: [{ host: `h${id}`, port: 9090 + id, listener: 'PLAINTEXT', securityProtocol: 0 }],
    })),
  };
}

describe('the metadata cache', () => {
  it('knows nothing before the first update', () => {
    const cache = new MetadataCache();
    expect(cache.controllerId).toBe(-1);
    expect(cache.contains('orders', 0)).toBe(false);
    expect(cache.isAlive(1)).toBe(false);
    expect(cache.endpoint(1, 'PLAINTEXT')).toBeUndefined();
  });

  it('merges the partitions of incremental updates and replaces the brokers', () => {
    const cache = new MetadataCache();
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 0: 1, 1: 2 })]));
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 1: 1 })], [1]));
    expect(cache.partition('orders', 0)?.leader).toBe(1);
    expect(cache.partition('orders', 1)).toMatchObject({ leader: 1, leaderEpoch: 3, partitionEpoch: 7 });
    expect(cache.topicName(ID_ONE)).toBe('orders');
    expect(cache.isAlive(2)).toBe(false);
    expect(cache.endpoint(1, 'PLAINTEXT')).toMatchObject({ host: 'h1', port: 9091, securityProtocol: 'PLAINTEXT' });
    expect(cache.endpoint(1, 'SSL')).toBeUndefined();
  });

  it('keeps its topics when an update brings only brokers', () => {
    const cache = new MetadataCache();
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 0: 1 })]));
    cache.applyUpdateMetadata(update(INCREMENTAL, [], [2]));
    expect(cache.contains('orders', 0)).toBe(true);
    expect(cache.isAlive(1)).toBe(false);
  });

  it('drops partitions that are being deleted, and the topic with the last of them', () => {
    const cache = new MetadataCache();
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 0: 1, 1: 1 })]));
    const first = cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 0: -2 })]));
    expect(first).toEqual([{ topic: 'orders', partition: 0 }]);
    expect(cache.topicId('orders')).toBe(ID_ONE);
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 1: -2 })]));
    expect(cache.image.topics.size).toBe(0);
    expect(cache.topicName(ID_ONE)).toBeUndefined();
  });

  it('forgets the old id of a topic that was made again', () => {
    const cache = new MetadataCache();
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 0: 1, 1: 1 })]));
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_TWO, { 0: 2 })]));
    expect(cache.topicName(ID_ONE)).toBeUndefined();
    expect(cache.topicName(ID_TWO)).toBe('orders');
    expect(cache.contains('orders', 1)).toBe(false);
  });

  it('holds after a full update exactly what that names', () => {
    const cache = new MetadataCache();
    cache.applyUpdateMetadata(
      update(INCREMENTAL, [topic('orders', ID_ONE, { 0: 1, 1: 1 }), topic('bills', ID_TWO, { 0: 1 })]),
    );
    const deleted = cache.applyUpdateMetadata(update(FULL, [topic('orders', ID_ONE, { 0: 2 })]));
    expect(deleted).toEqual([
      { topic: 'orders', partition: 1 },
      { topic: 'bills', partition: 0 },
    ]);
    expect([...cache.image.topics.keys()]).toEqual(['orders']);
    expect(cache.partition('orders', 0)?.leader).toBe(2);
    expect(cache.applyUpdateMetadata(update(FULL, []))).toEqual([{ topic: 'orders', partition: 0 }]);
  });

  it('leaves images that were handed out as they were', () => {
    const cache = new MetadataCache();
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 0: 1, 1: 1 })]));
    const before = cache.image;
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 0: -2, 1: 2 })]));
    expect(before.topics.get('orders')?.partitions.get(0)?.leader).toBe(1);
    expect(before.topics.get('orders')?.partitions.get(1)?.leader).toBe(1);
  });

  it('takes names that objects have of themselves', () => {
    const cache = new MetadataCache();
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('__proto__', ID_ONE, { 0: 1 })]));
    expect(cache.contains('__proto__', 0)).toBe(true);
    expect(cache.contains('constructor', 0)).toBe(false);
  });

  it('tells its listeners which topics changed, until they have heard enough', () => {
    const cache = new MetadataCache();
    const heard: string[][] = [];
    const stop = cache.onChange(({ changedTopics }) => heard.push([...changedTopics]));
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('orders', ID_ONE, { 0: 1 })]));
    cache.applyUpdateMetadata(update(INCREMENTAL, []));
    stop();
    cache.applyUpdateMetadata(update(INCREMENTAL, [topic('bills', ID_TWO, { 0: 1 })]));
    expect(heard).toEqual([['orders'], []]);
  });
});
