/** The log of the Schema Registry: what is in it, what is read from it, and what becomes of answers without it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { eventually } from '../../support/eventually.ts';
import { MemoryPartition } from '../../support/memory-partition.ts';
import { RegistryDesk } from '../../support/registry-desk.ts';

const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const user = (...fields: unknown[]) => ({ type: 'record', name: 'User', fields });
const V1 = user(field('id', 'int'), field('name', 'string'));
const V2 = user(field('id', 'int'), field('name', 'string'), field('email', 'string', { default: '' }));
const body = (schema: unknown) => ({ schema: JSON.stringify(schema) });

let desk: RegistryDesk;
beforeEach(() => {
  desk = RegistryDesk.leading();
});
afterEach(() => desk.close());

describe('the log', () => {
  it('ids are never given out twice, not even when the schema was deleted for good and the log compacted', async () => {
    await desk.register('a', V1);
    await desk.register('b', V2);
    await desk.ask('DELETE', '/subjects/b');
    await desk.ask('DELETE', '/subjects/b?permanent=true');
    expect(await desk.refusal('GET', '/schemas/ids/2')).toEqual([404, 40403, 'Schema 2 not found']);
    const later = RegistryDesk.leading(compacted(desk.partition));
    expect(await later.register('b', V2)).toBe(3);
    await later.close();
  });

  it('holds what a registry of Confluent would write', async () => {
    await desk.register('s', 'int');
    await desk.ask('PUT', '/config', { compatibility: 'NONE' });
    await desk.ask('PUT', '/mode/s', { mode: 'READWRITE' });
    await desk.ask('DELETE', '/subjects/s');
    await desk.ask('DELETE', '/subjects/s?permanent=true');
    expect(desk.partition.contents()).toEqual([
      {
        key: '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
        value: '{"subject":"s","version":1,"id":1,"schema":"\\"int\\"","deleted":false}',
      },
      {
        key: '{"keytype":"CONFIG","subject":null,"magic":0}',
        value: '{"subject":null,"compatibilityLevel":"NONE"}',
      },
      { key: '{"keytype":"MODE","subject":"s","magic":0}', value: '{"subject":"s","mode":"READWRITE"}' },
      { key: '{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', value: '{"subject":"s","version":1}' },
      { key: '{"keytype":"NOOP","magic":0}', value: '{"lastId":1}' },
      { key: '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', value: null },
      { key: '{"keytype":"MODE","subject":"s","magic":0}', value: null },
    ]);
  });

  it('read by another registry gives the same answers', async () => {
    await desk.register('a', V1);
    await desk.register('a', V2);
    await desk.register('b', V1, { metadata: { properties: { owner: 'me' } } });
    await desk.ask('DELETE', '/subjects/a/versions/1');
    await desk.ask('PUT', '/config/a', { compatibility: 'FULL', normalize: true });
    await desk.ask('PUT', '/mode', { mode: 'READONLY' });
    for (const partition of [desk.partition, compacted(desk.partition)]) {
      const other = RegistryDesk.leading(partition);
      for (const url of ['/schemas?deleted=true', '/config/a', '/mode', '/schemas/ids/1', '/subjects?deleted=true'])
        expect(await other.get(url), url).toEqual(await desk.get(url));
      await other.close();
    }
  });

  it('while nobody leads it the request goes to the leader, once', async () => {
    const follower = new RegistryDesk();
    expect(await follower.get('/subjects?deleted=true')).toBe('the leader');
    await follower.ask('POST', '/subjects/s/versions', body(V1));
    expect(follower.forwarded).toEqual([
      { method: 'GET', url: '/subjects?deleted=true', body: '' },
      { method: 'POST', url: '/subjects/s/versions', body: JSON.stringify(body(V1)) },
    ]);
    const passedOn = await follower.app.inject({ url: '/subjects', headers: { 'x-forward': 'true' } });
    expect([passedOn.statusCode, passedOn.json()]).toEqual([500, { error_code: 50004, message: 'Leader not known.' }]);
    expect(await follower.get('/contexts')).toEqual(['.']);
    await follower.close();
  });

  it('an answer waits until the log is committed', async () => {
    desk.partition.isAlone = false;
    let isAnswered = false;
    const registered = desk.register('s', V1).then((id) => {
      isAnswered = true;
      return id;
    });
    await eventually(() => expect(desk.partition.appended).toHaveLength(1));
    const read = desk.get('/subjects');
    await desk.get('/contexts');
    expect(isAnswered).toBe(false);
    desk.partition.commit();
    expect(await registered).toBe(1);
    expect(await read).toEqual(['s']);
  });

  it('a log that refuses leaves no trace', async () => {
    desk.partition.refusal = 'NOT_ENOUGH_REPLICAS';
    expect(await desk.refusal('POST', '/subjects/s/versions', body(V1))).toEqual([500, 50001, expect.any(String)]);
    desk.partition.refusal = null;
    expect(await desk.get('/subjects')).toEqual([]);
    expect(await desk.register('s', V1)).toBe(1);
  });

  it('what somebody else writes to it is known before the next answer', async () => {
    await desk.register('s', V1);
    const restored = [
      ['{"keytype":"SCHEMA","subject":"old","version":4,"magic":1}', '{"id":40,"schema":"\\"int\\""}'],
      ['{"keytype":"CONTEXT","magic":0}', '{}'],
      ['no JSON', 'nor this'],
      ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', '"damaged"'],
    ].map(([key = '', value = '']) => ({ key: Buffer.from(key), value: Buffer.from(value), timestampMs: 0 }));
    desk.partition.put(buildBatch({ records: restored }));
    desk.partition.commit();
    expect(await desk.get('/subjects')).toEqual(['old', 's']);
    expect(await desk.get('/schemas/ids/40/versions')).toEqual([{ subject: 'old', version: 4 }]);
    expect(await desk.register('s', V2)).toBe(41);
    expect(await desk.get('/subjects/s/versions')).toEqual([1, 2]);
  });

  it('when the leadership ends the next leader is asked, but not to delete a second time', async () => {
    await desk.register('s', V1);
    desk.partition.isAlone = false;
    const registered = desk.ask('POST', '/subjects/s/versions', body(V2));
    const deleted = desk.refusal('DELETE', '/subjects/s');
    await eventually(() => expect(desk.partition.appended).toHaveLength(3));
    desk.partition.lose();
    expect(await registered).toEqual({ status: 200, body: 'the leader' });
    expect(await deleted).toEqual([500, 50004, 'Leader not known.']);
    expect(desk.forwarded.map(({ method }) => method)).toEqual(['POST']);
  });
});

/** Only the last record of each key. */
function compacted(partition: MemoryPartition): MemoryPartition {
  const last = new Map(partition.contents().map(({ key, value }, i) => [key, { key, value, i }]));
  const kept = [...last.values()].filter(({ value }) => value !== null).sort((one, other) => one.i - other.i);
  const records = kept.map(({ key, value }) => ({
    key: Buffer.from(key),
    value: Buffer.from(value ?? ''),
    timestampMs: 0,
  }));
  const copy = new MemoryPartition();
  copy.put(buildBatch({ records }));
  copy.commit();
  return copy;
}
