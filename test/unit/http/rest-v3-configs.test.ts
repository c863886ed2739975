/** Configurations of the API v3 as clients see and change them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/client/api-error.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { entryOf, topicOf } from '../../support/fake-v3-admin.ts';
import { BARE_404, BASE, crn, NOT_HOSTED, refused, V3Desk } from '../../support/v3-desk.ts';

let desk: V3Desk;
beforeEach(() => {
  desk = new V3Desk();
});
afterEach(() => desk.close());

describe('configurations', () => {
  beforeEach(() => {
    desk.admin.addTopic(topicOf('t', 1));
    desk.admin.addTopic(topicOf('u', 1));
    desk.admin.configsByOwner.set('TOPIC t', [
      entryOf('retention.ms', '1', { source: 'DYNAMIC_TOPIC_CONFIG', isDefault: false }),
      entryOf('cleanup.policy', 'delete'),
    ]);
    desk.admin.configsByOwner.set('TOPIC u', [entryOf('cleanup.policy', 'compact')]);
    desk.admin.configsByOwner.set('BROKER 1', [
      entryOf('secret', null, { isSensitive: true, isReadOnly: true, synonyms: [] }),
    ]);
    for (const id of [2, 3]) desk.admin.configsByOwner.set(`BROKER ${id}`, [entryOf('num.io.threads', '8')]);
    desk.admin.configsByOwner.set('BROKER ', [
      entryOf('compression.type', 'gzip', { source: 'DYNAMIC_DEFAULT_BROKER_CONFIG', isDefault: false }),
    ]);
  });
  const common = { cluster_id: 'cluster-1', is_read_only: false, is_sensitive: false };
  const policy = {
    kind: 'KafkaTopicConfig',
    metadata: { self: `${BASE}/topics/t/configs/cleanup.policy`, resource_name: crn('/topic=t/config=cleanup.policy') },
    ...common,
    name: 'cleanup.policy',
    value: 'delete',
    is_default: true,
    source: 'DEFAULT_CONFIG',
    synonyms: [{ name: 'cleanup.policy', value: 'delete', source: 'DEFAULT_CONFIG' }],
    topic_name: 't',
  };

  it('of a topic, by name', async () => {
    expect(await desk.get('/topics/t/configs')).toEqual({
      kind: 'KafkaTopicConfigList',
      metadata: { self: `${BASE}/topics/t/configs`, next: null },
      data: [
        policy,
        expect.objectContaining({ name: 'retention.ms', is_default: false, source: 'DYNAMIC_TOPIC_CONFIG' }),
      ],
    });
    expect(await desk.get('/topics/t/configs/cleanup.policy')).toEqual(policy);
    expect(await desk.ask('GET', '/topics/t/configs/none')).toEqual(BARE_404);
    expect(await desk.ask('GET', '/topics/none/configs')).toEqual(refused(40403, NOT_HOSTED));
  });

  it('of a broker: what is secret is not told', async () => {
    expect(await desk.get('/brokers/1/configs/secret')).toEqual({
      kind: 'KafkaBrokerConfig',
      metadata: { self: `${BASE}/brokers/1/configs/secret`, resource_name: crn('/broker=1/config=secret') },
      ...common,
      name: 'secret',
      value: null,
      is_default: true,
      is_read_only: true,
      is_sensitive: true,
      source: 'DEFAULT_CONFIG',
      synonyms: [],
      broker_id: 1,
    });
    expect(await desk.ask('GET', '/brokers/9/configs')).toEqual(refused(404, 'Broker 9 cannot be found.'));
  });

  it('of all brokers together', async () => {
    expect(await desk.get('/broker-configs')).toEqual({
      kind: 'KafkaClusterConfigList',
      metadata: { self: `${BASE}/broker-configs`, next: null },
      data: [
        {
          kind: 'KafkaClusterConfig',
          metadata: {
            self: `${BASE}/broker-configs/compression.type`,
            resource_name: crn('/broker-config=compression.type'),
          },
          ...common,
          name: 'compression.type',
          value: 'gzip',
          is_default: false,
          source: 'DYNAMIC_DEFAULT_BROKER_CONFIG',
          synonyms: [{ name: 'compression.type', value: 'gzip', source: 'DEFAULT_CONFIG' }],
          config_type: 'BROKER',
        },
      ],
    });
  });

  it('of every topic and every broker; a topic that has just gone is left out', async () => {
    desk.admin.addTopic(topicOf('gone', 1));
    const names = (body: unknown, member: string) =>
      (body as { data: Record<string, unknown>[] }).data.map((entry) => `${entry[member]} ${entry['name']}`);
    expect(names(await desk.get('/topics/-/configs'), 'topic_name')).toEqual([
      't cleanup.policy',
      't retention.ms',
      'u cleanup.policy',
    ]);
    expect(names(await desk.get('/brokers/-/configs'), 'broker_id')).toEqual([
      '1 secret',
      '2 num.io.threads',
      '3 num.io.threads',
    ]);
  });

  it('are set and reset', async () => {
    expect(await desk.ask('PUT', '/topics/t/configs/retention.ms', { value: '5' })).toEqual({
      status: 204,
      body: null,
    });
    expect(await desk.ask('DELETE', '/topics/t/configs/retention.ms')).toEqual({ status: 204, body: null });
    expect(await desk.ask('PUT', '/brokers/2/configs/num.io.threads', { value: 9 })).toMatchObject({ status: 204 });
    // What all brokers share shows only what is set: anything may be set, and only that be reset.
    expect(await desk.ask('PUT', '/broker-configs/log.retention.ms', { value: '7' })).toMatchObject({ status: 204 });
    expect(await desk.ask('DELETE', '/broker-configs/compression.type')).toMatchObject({ status: 204 });
    const change = (type: string, owner: string, name: string, operation: string, value: string | null) => ({
      alterations: [{ type, name: owner, changes: [{ name, operation, value }] }],
      validateOnly: false,
    });
    expect(desk.admin.alterations).toEqual([
      change('TOPIC', 't', 'retention.ms', 'SET', '5'),
      change('TOPIC', 't', 'retention.ms', 'DELETE', null),
      change('BROKER', '2', 'num.io.threads', 'SET', '9'),
      change('BROKER', '', 'log.retention.ms', 'SET', '7'),
      change('BROKER', '', 'compression.type', 'DELETE', null),
    ]);
  });

  it('a number is taken as it is written', async () => {
    for (const value of ['9223372036854775807', '-1', 'true', '"0.50"'])
      await desk.ask('PUT', '/topics/t/configs/retention.ms', `{"value":${value}}`);
    const set = desk.admin.alterations.map(({ alterations }) => alterations[0]?.changes[0]?.value);
    expect(set).toEqual(['9223372036854775807', '-1', 'true', '0.50']);
  });

  it('several change at once, or are only looked at', async () => {
    const data = [
      { name: 'retention.ms', value: '5' },
      { name: 'cleanup.policy', operation: 'DELETE' },
    ];
    expect(await desk.ask('POST', '/topics/t/configs:alter', { data, validate_only: true })).toMatchObject({
      status: 204,
    });
    expect(desk.admin.alterations).toEqual([
      {
        alterations: [
          {
            type: 'TOPIC',
            name: 't',
            changes: [
              { name: 'retention.ms', operation: 'SET', value: '5' },
              { name: 'cleanup.policy', operation: 'DELETE', value: null },
            ],
          },
        ],
        validateOnly: true,
      },
    ]);
  });

  it('what does not exist is not changed', async () => {
    const missing = (type: string) => refused(404, `Config none cannot be found for ${type} in cluster cluster-1.`);
    expect(await desk.ask('PUT', '/topics/t/configs/none', { value: '1' })).toEqual(missing('TOPIC t'));
    expect(await desk.ask('DELETE', '/brokers/1/configs/none')).toEqual(missing('BROKER 1'));
    expect(await desk.ask('DELETE', '/broker-configs/none')).toEqual(missing('BROKER '));
    expect(await desk.ask('POST', '/topics/t/configs:alter', { data: [{ name: 'none' }] })).toEqual(missing('TOPIC t'));
    expect(await desk.ask('PUT', '/topics/none/configs/a', { value: '1' })).toEqual(refused(40403, NOT_HOSTED));
    expect(desk.admin.alterations).toEqual([]);
  });

  it('what Kafka refuses is told in its words', async () => {
    desk.admin.failures.set('t', ApiError.of(Errors.INVALID_CONFIG, 'Invalid value x for configuration retention.ms'));
    expect(await desk.ask('PUT', '/topics/t/configs/retention.ms', { value: 'x' })).toEqual(
      refused(40002, 'Invalid value x for configuration retention.ms'),
    );
  });

  it('several topics change each for itself', async () => {
    const of = (topic_name: string, name = 'cleanup.policy') => ({ topic_name, configs: [{ name, value: 'x' }] });
    const alter = (...data: object[]) => desk.ask('POST', '/topics/-/configs:alter', { data });
    expect(await alter(of('t'), of('u'))).toEqual({ status: 204, body: null });
    desk.admin.failures.set('u', ApiError.of(Errors.INVALID_CONFIG, 'no'));
    expect(await alter(of('t'), of('u'))).toEqual({
      status: 207,
      body: { failures: [{ topic_name: 'u', error_code: 40002, message: 'no' }] },
    });
    expect(await alter(of('t'), of('none'))).toEqual(refused(40403, NOT_HOSTED));
    expect(await alter(of('t'), of('u', 'none'))).toMatchObject({ status: 404 });
    expect(await alter(of('t'), of('t'))).toEqual(refused(400, 'Duplicate key t'));
    expect(desk.admin.alterations).toHaveLength(2);
  });
});
