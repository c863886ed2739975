/** Consumer groups of the API v3 as clients see them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupOf, memberOf } from '../../support/fake-v3-admin.ts';
import { BARE_404, BASE, crn, refused, related, V3Desk } from '../../support/v3-desk.ts';

let desk: V3Desk;
beforeEach(() => {
  desk = new V3Desk();
});
afterEach(() => desk.close());

describe('groups', () => {
  const PATH = '/consumer-groups/g';
  beforeEach(() => {
    const b = { ...memberOf('b', 't', 1), groupInstanceId: 'instance-b' };
    desk.admin.groupsById.set('g', groupOf('g', b, memberOf('a', 't', 2, 0)));
    desk.admin.offsetsByGroup.set('g', [
      { topic: 't', partition: 1, currentOffset: 10, logEndOffset: 30 },
      { topic: 't', partition: 0, currentOffset: 12, logEndOffset: 11 },
      { topic: 's', partition: 0, currentOffset: 0, logEndOffset: 20 },
    ]);
  });
  const group = {
    kind: 'KafkaConsumerGroup',
    metadata: { self: `${BASE}${PATH}`, resource_name: crn('/consumer-group=g') },
    cluster_id: 'cluster-1',
    consumer_group_id: 'g',
    is_simple: false,
    partition_assignor: 'range',
    state: 'STABLE',
    type: 'CLASSIC',
    is_mixed_consumer_group: false,
    coordinator: related('/brokers/2'),
    consumers: related(`${PATH}/consumers`),
    lag_summary: related(`${PATH}/lag-summary`),
  };

  it('are listed and told one by one', async () => {
    expect(await desk.get('/consumer-groups')).toEqual({
      kind: 'KafkaConsumerGroupList',
      metadata: { self: `${BASE}/consumer-groups`, next: null },
      data: [group],
    });
    expect(await desk.get(PATH)).toEqual(group);
    expect(await desk.ask('GET', '/consumer-groups/none')).toEqual(BARE_404);
  });

  it('those of the newer protocol say so, and whether all members speak it', async () => {
    const upgraded = { ...memberOf('a', 't'), isUpgraded: true };
    const newer = { ...groupOf('n', upgraded), type: 'Consumer', state: 'Reconciling' } as const;
    desk.admin.groupsById.set('n', newer);
    expect(await desk.get('/consumer-groups/n')).toMatchObject({
      type: 'CONSUMER',
      state: 'RECONCILING',
      is_mixed_consumer_group: false,
    });
    desk.admin.groupsById.set('n', { ...newer, members: [upgraded, memberOf('b', 't')], state: 'PreparingRebalance' });
    expect(await desk.get('/consumer-groups/n')).toMatchObject({
      state: 'PREPARING_REBALANCE',
      is_mixed_consumer_group: true,
    });
  });

  it('have members', async () => {
    const consumer = (id: string, instance: string | null) => ({
      kind: 'KafkaConsumer',
      metadata: { self: `${BASE}${PATH}/consumers/${id}`, resource_name: crn(`/consumer-group=g/consumer=${id}`) },
      cluster_id: 'cluster-1',
      consumer_group_id: 'g',
      consumer_id: id,
      instance_id: instance,
      client_id: `client of ${id}`,
      assignments: related(`${PATH}/consumers/${id}/assignments`),
    });
    expect(await desk.get(`${PATH}/consumers`)).toEqual({
      kind: 'KafkaConsumerList',
      metadata: { self: `${BASE}${PATH}/consumers`, next: null },
      data: [consumer('a', null), consumer('b', 'instance-b')],
    });
    expect(await desk.get(`${PATH}/consumers/b`)).toEqual(consumer('b', 'instance-b'));
    expect(await desk.ask('GET', `${PATH}/consumers/c`)).toEqual(BARE_404);
    expect(await desk.ask('GET', '/consumer-groups/none/consumers')).toEqual(
      refused(404, 'Consumer Group none does not exist.'),
    );
  });

  it('whose members read partitions', async () => {
    const assignment = (partition: number) => ({
      kind: 'KafkaConsumerAssignment',
      metadata: {
        self: `${BASE}${PATH}/consumers/a/assignments/t/partitions/${partition}`,
        resource_name: crn(`/consumer-group=g/consumer=a/assignment=t/partition=${partition}`),
      },
      cluster_id: 'cluster-1',
      consumer_group_id: 'g',
      consumer_id: 'a',
      topic_name: 't',
      partition_id: partition,
      partition: related(`/topics/t/partitions/${partition}`),
      lag: related(`${PATH}/lags/t/partitions/${partition}`),
    });
    expect(await desk.get(`${PATH}/consumers/a/assignments`)).toEqual({
      kind: 'KafkaConsumerAssignmentList',
      metadata: { self: `${BASE}${PATH}/consumers/a/assignments`, next: null },
      data: [assignment(0), assignment(2)],
    });
    expect(await desk.get(`${PATH}/consumers/a/assignments/t/partitions/2`)).toEqual(assignment(2));
    expect(await desk.ask('GET', `${PATH}/consumers/a/assignments/t/partitions/1`)).toEqual(BARE_404);
    expect(await desk.ask('GET', `${PATH}/consumers/c/assignments`)).toEqual(
      refused(404, 'Consumer c does not exist.'),
    );
  });

  it('are behind: the greatest lag first, none below zero', async () => {
    const lag = (topic: string, partition: number, consumer: string, of: [number, number, number], more = {}) => ({
      kind: 'KafkaConsumerLag',
      metadata: {
        self: `${BASE}${PATH}/lags/${topic}/partitions/${partition}`,
        resource_name: crn(`/consumer-group=g/lag=${topic}/partition=${partition}`),
      },
      cluster_id: 'cluster-1',
      consumer_group_id: 'g',
      topic_name: topic,
      partition_id: partition,
      consumer_id: consumer,
      instance_id: null,
      client_id: consumer === '' ? '' : `client of ${consumer}`,
      current_offset: of[0],
      log_end_offset: of[1],
      lag: of[2],
      ...more,
    });
    expect(await desk.get(`${PATH}/lags`)).toEqual({
      kind: 'KafkaConsumerLagList',
      metadata: { self: `${BASE}${PATH}/lags`, next: null },
      data: [
        lag('s', 0, '', [0, 20, 20]),
        lag('t', 1, 'b', [10, 30, 20], { instance_id: 'instance-b' }),
        lag('t', 0, 'a', [12, 11, 0]),
      ],
    });
    expect(await desk.get(`${PATH}/lags/t/partitions/0`)).toEqual(lag('t', 0, 'a', [12, 11, 0]));
    expect(await desk.ask('GET', `${PATH}/lags/t/partitions/2`)).toEqual(BARE_404);
  });

  it('sum up how far they are behind', async () => {
    const summary = {
      kind: 'KafkaConsumerGroupLagSummary',
      metadata: { self: `${BASE}${PATH}/lag-summary`, resource_name: crn('/consumer-group=g/lag-summary') },
      cluster_id: 'cluster-1',
      consumer_group_id: 'g',
      max_lag: 20,
      total_lag: 40,
      max_lag_consumer_id: '',
      // Nobody reads it: there is no name to lead to.
      max_lag_consumer: related(`${PATH}/consumers`),
      max_lag_client_id: '',
      max_lag_instance_id: null,
      max_lag_topic_name: 's',
      max_lag_partition_id: 0,
      max_lag_partition: related('/topics/s/partitions/0'),
    };
    expect(await desk.get(`${PATH}/lag-summary`)).toEqual(summary);
  });

  it('without offsets, or without being there, are not behind', async () => {
    desk.admin.offsetsByGroup.clear();
    for (const end of ['/lags', '/lags/t/partitions/0', '/lag-summary']) {
      expect(await desk.ask('GET', PATH + end)).toEqual(refused(404, 'Consumer group offsets could not be found.'));
      expect(await desk.ask('GET', `/consumer-groups/none${end}`)).toEqual(
        refused(404, 'Consumer Group none could not be found.'),
      );
    }
  });

  it('whatever they are called, the addresses lead to them', async () => {
    const odd = 'a/b?c d&é%';
    desk.admin.groupsById.set(odd, groupOf(odd, memberOf('m', 't', 0)));
    const found = (await desk.get(`/consumer-groups/${encodeURIComponent(odd)}`)) as {
      consumer_group_id: string;
      metadata: { self: string };
      consumers: { related: string };
    };
    expect(found.consumer_group_id).toBe(odd);
    for (const address of [found.metadata.self, found.consumers.related]) {
      const { pathname } = new URL(address);
      expect((await desk.app.inject(pathname)).statusCode, address).toBe(200);
    }
  });
});
