/** Consumer instances of the REST Proxy over HTTP, against one topic and one group in memory. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock, type Timer } from '../../../src/lib/clock.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { ConsumerDesk } from '../../support/consumer-desk.ts';
import { eventually } from '../../support/eventually.ts';

const desks: ConsumerDesk[] = [];
afterEach(async () => {
  for (const desk of desks.splice(0)) await desk.close();
});

async function open(...args: Parameters<typeof ConsumerDesk.open>): Promise<ConsumerDesk> {
  const desk = await ConsumerDesk.open(...args);
  desks.push(desk);
  return desk;
}

const P0 = { topic: 't', partition: 0 };
const BINARY = 'application/vnd.kafka.binary.v2+json';
const JSON_RECORDS = 'application/vnd.kafka.json.v2+json';

/** Its seconds are parts of seconds, twentieths unless said otherwise. */
class QuickClock extends SystemClock {
  readonly #speed: number;

  constructor(speed = 20) {
    super();
    this.#speed = speed;
  }

  override monotonicMs(): number {
    return super.monotonicMs() * this.#speed;
  }

  override schedule(delayMs: number, callback: () => void): Timer {
    return super.schedule(delayMs / this.#speed, callback);
  }
}

async function subscribed(desk: ConsumerDesk, settings: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const instance = await desk.create('c', settings);
  await desk.ask('POST', `${instance}/subscription`, { topics: ['t'] });
  await eventually(async () => {
    const { body } = await desk.ask('GET', `${instance}/assignments`);
    return (body as { partitions: unknown[] }).partitions.length === 2;
  });
  return instance;
}

function fetchCount({ topic }: ConsumerDesk): number {
  return topic.brokers.flatMap(({ received }) => received).filter((name) => name.startsWith('Fetch')).length;
}

async function readAll(desk: ConsumerDesk, instance: string, count: number): Promise<string[]> {
  const found: string[] = [];
  await eventually(async () => {
    found.push(...(await desk.records(instance)));
    return found.length >= count;
  });
  return found.sort();
}

describe('an instance', () => {
  it('has an address that leads to it, and a name of its own when none is given', async () => {
    const desk = await open();
    expect(await desk.ask('POST', '/consumers/a%2Fb%20c', { name: 'ä/1' })).toEqual({
      status: 200,
      type: 'application/vnd.kafka.v2+json',
      body: { instance_id: 'ä/1', base_uri: 'http://localhost:80/consumers/a%2Fb%20c/instances/%C3%A4%2F1' },
    });
    expect(await desk.ask('GET', '/consumers/a%2Fb%20c/instances/%C3%A4%2F1/subscription')).toMatchObject({
      body: { topics: [] },
    });
    const { body } = await desk.ask('POST', '/consumers/g');
    expect(body).toMatchObject({
      instance_id: expect.stringMatching(/^rest-consumer-1-[0-9a-f]{8}(-[0-9a-f]{4}){3}-\w{12}$/),
    });
  });

  it('is the only one of its name in its group, and gone when it was deleted', async () => {
    const desk = await open();
    const instance = await desk.create('c');
    const again = { name: 'c' };
    expect(await desk.ask('POST', '/consumers/g', again)).toMatchObject({ status: 409, body: { error_code: 40902 } });
    expect(await desk.ask('POST', '/consumers/other', again)).toMatchObject({ status: 200 });
    expect(await desk.ask('DELETE', instance)).toEqual({ status: 204, type: undefined, body: null });
    const unknown = { status: 404, body: { error_code: 40403, message: 'Consumer instance not found.' } };
    expect(await desk.ask('DELETE', instance)).toMatchObject(unknown);
    for (const path of ['/records', '/subscription', '/assignments', '/offsets'])
      expect(await desk.ask('GET', instance + path), path).toMatchObject(unknown);
    for (const path of ['/subscription', '/assignments', '/offsets', '/positions', '/positions/end'])
      expect(await desk.ask('POST', instance + path, {}), path).toMatchObject(unknown);
  });

  it('answers records only in its own format; what says nothing of one means binary', async () => {
    const desk = await open();
    const [json, binary] = [await desk.create('j'), await desk.create('b', { format: 'binary' })];
    for (const instance of [json, binary]) await desk.ask('POST', `${instance}/assignments`, { partitions: [P0] });
    desk.append(0, '{"a":1}');
    const read = (instance: string, accept: string) => desk.ask('GET', `${instance}/records`, undefined, accept);
    expect(await read(json, JSON_RECORDS)).toEqual({
      status: 200,
      type: JSON_RECORDS,
      body: [{ topic: 't', key: null, value: { a: 1 }, partition: 0, offset: 0 }],
    });
    expect(await read(binary, '*/*')).toEqual({
      status: 200,
      type: BINARY,
      body: [{ topic: 't', key: null, value: 'eyJhIjoxfQ==', partition: 0, offset: 0 }],
    });
    for (const accept of [BINARY, '*/*', 'application/json', 'application/vnd.kafka.protobuf.v2+json'])
      expect(await read(json, accept), accept).toMatchObject({ status: 406, body: { error_code: 40601 } });
    expect(await read(json, 'text/html')).toMatchObject({ status: 406, body: { error_code: 406 } });
  });

  it('refuses to read in the type that was named, and in that of the other answers where none was', async () => {
    const desk = await open();
    const typeFor = async (accept: string) => {
      const { type } = await desk.ask('GET', '/consumers/g/instances/none/records', undefined, accept);
      return type?.split(';')[0];
    };
    for (const accept of [JSON_RECORDS, BINARY, `${JSON_RECORDS}, */*;q=0.5`])
      expect(await typeFor(accept)).toBe(accept.split(',')[0]);
    for (const accept of ['*/*', '', 'text/html'])
      expect(await typeFor(accept), accept).toBe('application/vnd.kafka.v2+json');
  });

  it('refuses what does not go together, and bodies that it cannot read', async () => {
    const desk = await open();
    const instance = await desk.create('c');
    expect(await desk.ask('GET', `${instance}/records`, undefined, JSON_RECORDS)).toMatchObject({
      status: 409,
      body: { error_code: 40903, message: expect.stringMatching(/^Illegal state: Consumer is not subscribed/) },
    });
    await desk.ask('POST', `${instance}/subscription`, { topics: ['t'] });
    expect(await desk.ask('POST', `${instance}/assignments`, { partitions: [P0] })).toMatchObject({
      status: 409,
      body: {
        error_code: 40903,
        message: 'Illegal state: Subscription to topics, partitions and pattern are mutually exclusive',
      },
    });
    expect(await desk.ask('DELETE', `${instance}/subscription`)).toMatchObject({ status: 204 });
    expect(await desk.ask('POST', `${instance}/subscription`, { topic_pattern: 'a(' })).toMatchObject({ status: 422 });
    expect(await desk.ask('GET', `${instance}/offsets`)).toMatchObject({ status: 404, body: { error_code: 40402 } });
    const text = await desk.app.inject({
      method: 'POST',
      url: `${instance}/subscription`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: '{"topics":["t"]}',
    });
    expect(text.statusCode).toBe(415);
    const broken = await desk.app.inject({
      method: 'POST',
      url: `${instance}/subscription`,
      headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
      payload: '{"topics":',
    });
    expect(broken.statusCode).toBe(400);
  });

  it('reads by pattern', async () => {
    const desk = await open();
    const instance = await desk.create('c');
    desk.append(0, '1');
    await desk.ask('POST', `${instance}/subscription`, { topic_pattern: '[st]' });
    expect(await readAll(desk, instance, 1)).toEqual(['0:0']);
    expect(await desk.ask('GET', `${instance}/subscription`)).toMatchObject({ body: { topics: ['t'] } });
  });
});

describe('reading', () => {
  it('takes the time of the instance, a shorter one of the request, and no longer one', async () => {
    const [desk, patientDesk] = [await open(), await open()];
    const instance = await subscribed(desk, { 'consumer.request.timeout.ms': 300 });
    const patient = await subscribed(patientDesk, { 'consumer.request.timeout.ms': 60_000 });
    const took = async (reading: Promise<string[]>): Promise<number> => {
      const before = performance.now();
      expect(await reading).toEqual([]);
      return performance.now() - before;
    };
    expect(await took(desk.records(instance))).toBeGreaterThanOrEqual(290);
    expect(await took(desk.records(instance, '?timeout=60000'))).toBeLessThan(30_000);
    expect(await took(patientDesk.records(patient, '?timeout=10'))).toBeLessThan(30_000);
    expect((await desk.ask('GET', `${instance}/records?timeout=soon`, undefined, JSON_RECORDS)).status).toBe(404);
  });

  it('keeps below max_bytes, but one record comes whatever its size', async () => {
    const desk = await open();
    desk.append(0, '"aaaa"', '"bbbb"', '"cccc"', '"dddd"');
    const instance = await subscribed(desk, { 'fetch.min.bytes': -1, 'consumer.request.timeout.ms': 10_000 });
    expect(await desk.records(instance, '?max_bytes=13')).toEqual(['0:0', '0:1']);
    expect(await desk.records(instance, '?max_bytes=1')).toEqual(['0:2']);
    expect(await desk.records(instance, '?max_bytes=7&timeout=50')).toEqual(['0:3']);
  });

  it('is done with more than fetch.min.bytes, and takes along what is at hand', async () => {
    const desk = await open();
    desk.append(0, '1', '2', '3');
    const instance = await subscribed(desk, { 'fetch.min.bytes': 1, 'consumer.request.timeout.ms': 10_000 });
    expect(await desk.records(instance)).toEqual(['0:0', '0:1', '0:2']);
  });

  it('returns what comes before a record that is none of its format, and says then what is wrong', async () => {
    const desk = await open();
    desk.append(0, '1', 'no json', '3');
    const instance = await subscribed(desk);
    expect(await readAll(desk, instance, 1)).toEqual(['0:0']);
    for (let i = 0; i < 2; i++)
      expect(await desk.ask('GET', `${instance}/records`, undefined, JSON_RECORDS)).toMatchObject({
        status: 408,
        body: {
          error_code: 40801,
          message: expect.stringMatching(
            /^Error deserializing VALUE for partition t-0 at offset 1\. If needed, .*\. Error deserializing JSON/,
          ),
        },
      });
    await desk.ask('POST', `${instance}/offsets`);
    expect(desk.group.offsets.get('t/0')).toBe(1);
    await desk.ask('POST', `${instance}/positions`, { offsets: [{ ...P0, offset: 2 }] });
    expect(await desk.records(instance)).toEqual(['0:2']);
  });

  it('says that there is no offset to begin at, until one is given', async () => {
    const desk = await open();
    desk.append(0, '1');
    const instance = await subscribed(desk, { 'auto.offset.reset': 'none' });
    const refused = {
      status: 500,
      body: { error_code: 50002, message: expect.stringMatching(/^Undefined offset with no reset policy/) },
    };
    for (let i = 0; i < 2; i++)
      expect(await desk.ask('GET', `${instance}/records`, undefined, JSON_RECORDS)).toMatchObject(refused);
    await desk.ask('POST', `${instance}/positions/beginning`, { partitions: [] });
    expect(await desk.records(instance)).toEqual(['0:0']);
  });

  it('begins where it was sought before anything was known of its partitions', async () => {
    const desk = await open();
    desk.append(0, '1', '2', '3');
    const instance = await desk.create('c', { 'auto.offset.reset': 'none' });
    await desk.ask('POST', `${instance}/assignments`, { partitions: [P0] });
    await desk.ask('POST', `${instance}/positions`, { offsets: [{ ...P0, offset: 1 }] });
    expect(await readAll(desk, instance, 2)).toEqual(['0:1', '0:2']);
  });

  it('takes nothing away by HEAD', async () => {
    const desk = await open();
    const instance = await subscribed(desk);
    const url = `${instance}/records`;
    const { statusCode } = await desk.app.inject({ method: 'HEAD', url, headers: { accept: JSON_RECORDS } });
    expect(statusCode).toBe(405);
  });

  it('two at once are answered one after the other, and nobody gets a record twice', async () => {
    const desk = await open();
    const instance = await subscribed(desk);
    const reads = Array.from({ length: 8 }, () => desk.records(instance));
    const refused = await desk.ask('GET', `${instance}/records`, undefined, JSON_RECORDS);
    expect(refused).toMatchObject({ status: 429, body: { error_code: 42901 } });
    desk.append(0, '1', '2');
    expect((await Promise.all(reads)).flat()).toEqual(['0:0', '0:1']);
  });

  it('a client that goes away has consumed nothing', async () => {
    const desk = await open();
    const instance = await subscribed(desk, { 'fetch.min.bytes': -1, 'consumer.request.timeout.ms': 20_000 });
    desk.append(0, '1', '2');
    const { port } = new URL(await desk.app.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET ${instance}/records HTTP/1.1\r\nHost: here\r\nAccept: ${JSON_RECORDS}\r\n\r\n`);
    await eventually(() => fetchCount(desk) > 3);
    socket.destroy();
    expect(await desk.records(instance, '?timeout=200')).toEqual(['0:0', '0:1']);
  });

  it('counts as consumed when it is over, not before', async () => {
    const desk = await open();
    desk.append(0, '1', '2', '3');
    const settings = { 'auto.commit.enable': false, 'fetch.min.bytes': -1, 'consumer.request.timeout.ms': 1000 };
    const instance = await subscribed(desk, settings);
    expect(await desk.records(instance, '?max_bytes=1')).toEqual(['0:0']);
    const before = fetchCount(desk);
    const read = desk.records(instance);
    // The next fetch follows when all of the last is taken.
    await eventually(() => fetchCount(desk) > before + 2);
    await desk.ask('POST', `${instance}/offsets`);
    expect(desk.group.offsets.get('t/0')).toBe(1);
    expect(await read).toEqual(['0:1', '0:2']);
    await desk.ask('POST', `${instance}/offsets`);
    expect(desk.group.offsets.get('t/0')).toBe(3);
  });

  it('ends with 404 when the instance is deleted, and nothing of it is committed', async () => {
    const desk = await open();
    desk.append(0, '1');
    const instance = await subscribed(desk, { 'fetch.min.bytes': -1, 'consumer.request.timeout.ms': 20_000 });
    const read = desk.ask('GET', `${instance}/records`, undefined, JSON_RECORDS);
    await eventually(() => fetchCount(desk) > 3);
    expect(await desk.ask('DELETE', instance)).toMatchObject({ status: 204 });
    expect(await read).toMatchObject({ status: 404, body: { error_code: 40403 } });
    expect(desk.group.offsets.get('t/0') ?? 0).toBe(0);
  });
});

describe('a member of a group', () => {
  it('commits by itself what was returned, and leaves when it is deleted', async () => {
    const desk = await open();
    desk.append(0, '1', '2');
    const instance = await subscribed(desk);
    expect(await readAll(desk, instance, 2)).toEqual(['0:0', '0:1']);
    desk.append(0, '3');
    await desk.ask('DELETE', instance);
    expect(desk.group.events).toEqual([
      'named member-1',
      'joined member-1 for t by range',
      'committed 0=2 1=0 by member-1',
      'left member-1',
    ]);
  });

  it('without auto-commit commits what it is told, by the last offsets that were processed', async () => {
    const desk = await open();
    desk.append(0, '1', '2', '3');
    const instance = await subscribed(desk, { 'auto.commit.enable': 'false' });
    await readAll(desk, instance, 3);
    expect(await desk.ask('POST', `${instance}/offsets`, { offsets: [{ ...P0, offset: 1 }] })).toMatchObject({
      status: 200,
      body: [],
    });
    expect(desk.group.offsets.get('t/0')).toBe(2);
    expect(
      await desk.ask('GET', `${instance}/offsets`, { partitions: [P0, { topic: 't', partition: 1 }] }),
    ).toMatchObject({
      body: { offsets: [{ ...P0, offset: 2, metadata: '' }] },
    });
    await desk.ask('POST', `${instance}/offsets?async=true`);
    await eventually(() => desk.group.offsets.get('t/0') === 3);
    desk.group.fail('commit', Errors.OFFSET_METADATA_TOO_LARGE);
    expect(await desk.ask('POST', `${instance}/offsets`)).toMatchObject({ status: 500, body: { error_code: 50002 } });
    await desk.ask('DELETE', instance);
    expect(desk.group.events.filter((event) => event.startsWith('committed'))).toHaveLength(2);
  });

  it('does not give its partitions away before what was returned could be committed', async () => {
    const desk = await open({}, new QuickClock());
    desk.append(0, '1', '2');
    const instance = await subscribed(desk, { 'auto.commit.enable': false });
    await readAll(desk, instance, 2);
    desk.group.fail('heartbeat', ...Array.from({ length: 5 }, () => Errors.REBALANCE_IN_PROGRESS));
    await eventually(() => desk.group.failures.get('heartbeat')?.length === 0);
    expect(desk.group.events.filter((event) => event.startsWith('joined'))).toHaveLength(1);
    await desk.ask('POST', `${instance}/offsets`);
    await eventually(() => desk.group.events.filter((event) => event.startsWith('joined')).length === 2);
    expect(desk.group.events.slice(2, 4)).toEqual([
      expect.stringMatching(/^committed 0=2/),
      'joined member-1 for t by range',
    ]);
  });

  it('keeps its partitions for what was returned while a commit was under way, too', async () => {
    const desk = await open({}, new QuickClock(4));
    desk.append(0, '1');
    const instance = await subscribed(desk, { 'auto.commit.enable': false });
    await readAll(desk, instance, 1);
    const made = new Deferred();
    desk.group.beforeCommit = made.promise;
    const commit = desk.ask('POST', `${instance}/offsets`);
    desk.append(0, '2');
    await readAll(desk, instance, 1);
    made.resolve();
    expect((await commit).status).toBe(200);
    desk.group.fail('heartbeat', Errors.REBALANCE_IN_PROGRESS, Errors.REBALANCE_IN_PROGRESS);
    await eventually(() => desk.group.failures.get('heartbeat')?.length === 0);
    expect(desk.group.events.filter((event) => event.startsWith('joined'))).toHaveLength(1);
    await desk.ask('POST', `${instance}/offsets`);
    await eventually(() => desk.group.events.filter((event) => event.startsWith('joined')).length === 2);
    expect(desk.group.offsets.get('t/0')).toBe(2);
  });

  it('returns nothing of what it had before the partitions were dealt out anew', async () => {
    const desk = await open({}, new QuickClock());
    desk.append(0, '1', '2', '3');
    const instance = await subscribed(desk);
    expect(await desk.records(instance, '?max_bytes=1')).toEqual(['0:0']);
    desk.group.fail('heartbeat', Errors.UNKNOWN_MEMBER_ID);
    desk.group.offsets.set('t/0', 2);
    await eventually(() => desk.group.events.includes('joined member-2 for t by range'));
    expect(await readAll(desk, instance, 1)).toEqual(['0:2']);
  });

  it('joins another time a second after its group refused it, and tells its client why', async () => {
    const desk = await open({}, new QuickClock());
    desk.group.fail('join', Errors.GROUP_AUTHORIZATION_FAILED);
    desk.append(0, '1');
    const instance = await desk.create('c');
    await desk.ask('POST', `${instance}/subscription`, { topics: ['t'] });
    const read = () => desk.ask('GET', `${instance}/records`, undefined, JSON_RECORDS);
    let refused = await read();
    // A read may end before the group has said a word.
    while (refused.status === 200 && JSON.stringify(refused.body) === '[]') refused = await read();
    expect(refused).toMatchObject({ status: 403, body: { error_code: 40301 } });
    expect(await readAll(desk, instance, 1)).toEqual(['0:0']);
  });

  it('changes its subscription: commits, leaves, and joins for the other topics', async () => {
    const desk = await open();
    desk.append(0, '1');
    const instance = await subscribed(desk);
    await readAll(desk, instance, 1);
    await desk.ask('DELETE', `${instance}/subscription`);
    await desk.ask('POST', `${instance}/assignments`, { partitions: [{ topic: 't', partition: 1 }] });
    expect(await desk.ask('GET', `${instance}/assignments`)).toMatchObject({
      body: { partitions: [{ topic: 't', partition: 1 }] },
    });
    desk.append(1, '2');
    expect(await readAll(desk, instance, 1)).toEqual(['1:0']);
    expect(desk.group.events.slice(2)).toEqual(['committed 0=1 1=0 by member-1', 'left member-1']);
  });
});

describe('all instances', () => {
  it('one that nobody uses is closed after its time, one that waits for records is used', async () => {
    const desk = await open({ timeoutMs: 400 });
    desk.append(0, '1');
    const instance = await subscribed(desk, { 'consumer.request.timeout.ms': 1500, 'fetch.min.bytes': -1 });
    expect(await desk.records(instance)).toEqual(['0:0']);
    await eventually(() => desk.group.events.at(-1) === 'left member-1');
    expect(desk.group.offsets.get('t/0')).toBe(1);
    expect(await desk.ask('GET', `${instance}/subscription`)).toMatchObject({ status: 404 });
  });

  it('one that rests lets go of what was fetched, and reads on', async () => {
    const desk = await open({ timeoutMs: 200_000, restMs: 50 }, new QuickClock());
    desk.append(0, '1', '2');
    const instance = await subscribed(desk);
    expect(await desk.records(instance, '?max_bytes=1')).toEqual(['0:0']);
    const before = desk.topic.brokers.flatMap(({ received }) => received).length;
    await eventually(() => desk.topic.brokers.flatMap(({ received }) => received).length > before + 3);
    expect(await readAll(desk, instance, 1)).toEqual(['0:1']);
  });

  it('leaves within seconds, although the coordinator hangs over a commit of its client', async () => {
    const clock = new QuickClock(8);
    const desk = await open({}, clock);
    desk.append(0, '1');
    const instance = await subscribed(desk);
    await readAll(desk, instance, 1);
    desk.group.beforeCommit = new Promise(() => undefined);
    const commit = desk.ask('POST', `${instance}/offsets`, { offsets: [{ ...P0, offset: 0 }] });
    await eventually(() => desk.topic.brokers[0]?.received.some((name) => name.startsWith('OffsetCommit')) === true);
    const startedAt = clock.monotonicMs();
    await desk.ask('DELETE', instance);
    expect(clock.monotonicMs() - startedAt).toBeLessThan(25_000);
    expect((await commit).status).not.toBe(200);
  });

  it('are bounded in number', async () => {
    const desk = await open({ count: 2 });
    await desk.create('a');
    const second = await desk.create('b');
    expect(await desk.ask('POST', '/consumers/g', {})).toMatchObject({ status: 429, body: { error_code: 42901 } });
    await desk.ask('DELETE', second);
    await desk.create('c');
  });

  it('their answers are bounded together, and go on', async () => {
    const desk = await open({ answerCharacters: 1 });
    desk.append(0, '1', '2', '3');
    const instance = await subscribed(desk);
    expect(await readAll(desk, instance, 3)).toEqual(['0:0', '0:1', '0:2']);
  });

  it('leave their groups when the broker goes, and none comes after', async () => {
    const desk = await open();
    desk.append(0, '1');
    const instance = await subscribed(desk);
    await readAll(desk, instance, 1);
    await desk.instances.close();
    expect(desk.group.events.slice(2)).toEqual(['committed 0=1 1=0 by member-1', 'left member-1']);
    expect(await desk.ask('POST', '/consumers/g', {})).toMatchObject({ status: 503 });
  });
});
