/** Topics followed over HTTP, by a client as browsers have one. */
import type { Message } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { createTopic, deleteTopic, kafkaClient, withAdmin } from '../support/admin.ts';
import type { TestCluster } from '../support/cluster.ts';
import { EventSourceClient, type ServerEvent } from '../support/event-source.ts';
import { eventually } from '../support/eventually.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { scrape } from '../support/scrape.ts';
import { useCluster } from '../support/use-cluster.ts';

interface TailedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: unknown;
  readonly key_format: string | null;
  readonly value: unknown;
  readonly value_format: string | null;
  readonly headers: unknown;
}

const open = new Set<EventSourceClient>();

describe('a tail', () => {
  const cluster = useCluster({ overrides: WITH_HTTP });

  async function tail(path: string, { lastEventId = '', broker = 1, from = '127.0.0.1' } = {}) {
    const url = `${httpAddress(cluster().broker(broker))}/topics/${path}`;
    const client = await EventSourceClient.open(url, lastEventId, from);
    open.add(client);
    return client;
  }

  it('shows records as they come, as what they are', async () => {
    await createTopic(cluster(), 'live', { partitions: 1 });
    const reader = await tail('live/tail?from=earliest');
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache, no-transform',
    });
    await send(cluster(), 'live', [
      { key: 'k', value: '{"long": 9007199254740993,\n "s": "a\\nb"}', timestamp: '1700000000000' },
    ]);
    const [first] = await reader.take(1);
    expect(reader.retryMs).toBe(3000);
    expect(first?.type).toBe('record');
    expect(first?.id).toMatch(/^0:1@[\w-]{22}$/);
    // No digit is lost.
    expect(first?.data).toContain('9007199254740993');
    expect(recordOf(first)).toMatchObject({
      topic: 'live',
      partition: 0,
      offset: 0,
      timestamp: 1700000000000,
      key: 'k',
      key_format: 'string',
      value_format: 'json',
      headers: [],
    });
    await send(cluster(), 'live', [
      { key: null, value: 'event: end\ndata: x\r\n\r\n<script>', headers: { a: 'ü', b: Buffer.from([255]) } },
      { key: Buffer.from([0xff, 0x00]), value: null },
      { key: '', value: Buffer.from([0, 0, 0, 0, 9, 1, 2]) },
    ]);
    const more = (await reader.take(3)).map(recordOf);
    expect(more).toMatchObject([
      {
        key: null,
        key_format: null,
        value: 'event: end\ndata: x\r\n\r\n<script>',
        value_format: 'string',
        headers: [
          { name: 'a', value: 'ü', format: 'string' },
          { name: 'b', value: '/w==', format: 'binary' },
        ],
      },
      { key: '/wA=', key_format: 'binary', value: null, value_format: null },
      { key: '', key_format: 'string', value_format: 'string' },
    ]);
  });

  it('reads values by the schema that they name', async () => {
    await createTopic(cluster(), 'users');
    const http = httpAddress(cluster().broker(2));
    const schema = JSON.stringify({
      type: 'record',
      name: 'User',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'name', type: ['null', 'string'] },
      ],
    });
    const id = await eventually(async () => {
      const response = await fetch(`${http}/subjects/users-value/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: JSON.stringify({ schema }),
      });
      return ((await response.json()) as { id: number }).id;
    });
    const reader = await tail('users/tail?from=earliest');
    const head = Buffer.alloc(5);
    head.writeInt32BE(id, 1);
    const datum = Buffer.from([...head, 0x54, 0x02, 0x06, ...Buffer.from('Ann')]);
    const unknown = Buffer.concat([Buffer.from([0, 0, 0, 3, 0xe7]), Buffer.from([0xff])]);
    await send(cluster(), 'users', [{ value: datum }, { value: unknown }]);
    expect((await reader.take(2)).map(recordOf)).toMatchObject([
      { value: { id: 42, name: { string: 'Ann' } }, value_format: 'avro' },
      { value: unknown.toString('base64'), value_format: 'binary' },
    ]);
    const bytes = await tail('users/tail?from=earliest&format=binary&limit=1');
    expect((await bytes.take(1)).map(recordOf)).toMatchObject([
      { value: datum.toString('base64'), value_format: 'binary' },
    ]);
    const end = await bytes.next();
    expect([end?.type, end?.data]).toEqual(['end', '{"reason":"limit"}']);
    expect(await bytes.next()).toBeNull();
  });

  it('misses nothing that is written from the moment on at which it answers', async () => {
    await createTopic(cluster(), 'prompt', { partitions: 3 });
    const producer = kafkaClient(cluster()).producer();
    await producer.connect();
    try {
      for (let round = 0; round < 10; round++) {
        const reader = await tail('prompt/tail?limit=3');
        // Its connections stand already.
        await producer.send({ topic: 'prompt', messages: spread(round * 3, round * 3 + 3) });
        const values = (await reader.take(3)).map((event) => recordOf(event).value);
        expect(values.toSorted()).toEqual([0, 1, 2].map((index) => round * 3 + index).toSorted());
      }
    } finally {
      await producer.disconnect();
    }
  });

  it('goes on where it was left, in every partition, at another broker, and in partitions that are new', async () => {
    await createTopic(cluster(), 'resumed', { partitions: 3 });
    const reader = await tail('resumed/tail');
    // Nothing has come yet, and it is known all the same where the reader stands.
    await eventually(() => reader.lastEventId.startsWith('0:0,1:0,2:0@'));
    await send(cluster(), 'resumed', spread(0, 30));
    const seen = (await reader.take(10)).map(recordOf);
    const { id } = { id: reader.lastEventId };
    reader.close();
    await send(cluster(), 'resumed', spread(30, 60));
    await withAdmin(cluster(), (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: 'resumed', count: 4 }] }),
    );
    await eventually(() => send(cluster(), 'resumed', [{ partition: 3, value: '60' }]).then(() => true));
    const lastSeen = await eventually(async () => {
      const again = await tail('resumed/tail', { lastEventId: positionAfter(seen, id), broker: 3 });
      const rest = (await again.take(51)).map(recordOf);
      again.close();
      return [...seen, ...rest];
    });
    const values = lastSeen.map(({ value }) => Number(value)).sort((a, b) => a - b);
    expect(values).toEqual(Array.from({ length: 61 }, (_, index) => index));
  });

  it('begins where it is told, and with one partition alone', async () => {
    await createTopic(cluster(), 'started', { partitions: 2 });
    await send(cluster(), 'started', spread(0, 20, 2));
    const one = await tail('started/tail?partition=1&from=7&limit=3');
    const three = await one.take(3);
    expect(three.map(recordOf).map(({ partition, offset }) => [partition, offset])).toEqual([
      [1, 7],
      [1, 8],
      [1, 9],
    ]);
    expect((await one.next())?.id).toBe(`${three.at(-1)?.id}/end`);
    // So that a browser does not come back for ever.
    await expect(tail('started/tail?partition=1&limit=3', { lastEventId: one.lastEventId })).rejects.toThrow(/^204 $/);
    const latest = await tail('started/tail?partition=0');
    await eventually(() => latest.lastEventId.startsWith('0:10@'));
    await send(cluster(), 'started', [{ partition: 0, value: 'new' }]);
    expect((await latest.take(1)).map(recordOf)).toMatchObject([{ offset: 10, value: 'new' }]);
  });

  it('beyond the end it goes on from the end', async () => {
    await createTopic(cluster(), 'short', { partitions: 2 });
    await send(cluster(), 'short', spread(0, 20, 2));
    const told = await tail('short/tail?partition=0&from=1000');
    const resumed = await tail('short/tail', { lastEventId: '0:500,1:7' });
    expect((await resumed.take(3)).map(recordOf)).toMatchObject([{ offset: 7 }, { offset: 8 }, { offset: 9 }]);
    await eventually(() => told.lastEventId.startsWith('0:10@') && resumed.lastEventId.startsWith('0:10,1:10@'));
    await send(cluster(), 'short', [{ partition: 0, value: 'new' }]);
    for (const reader of [told, resumed]) expect((await reader.take(1)).map(recordOf)).toMatchObject([{ offset: 10 }]);
  });

  it('waits for a reader that does not read, and gives it everything then', async () => {
    await createTopic(cluster(), 'slow', { partitions: 1 });
    const reader = await tail('slow/tail?from=earliest');
    reader.pause();
    const value = 'x'.repeat(10_000);
    for (let round = 0; round < 20; round++)
      await send(
        cluster(),
        'slow',
        Array.from({ length: 50 }, () => ({ value })),
      );
    reader.resume();
    const offsets = (await reader.take(1000)).map((event) => recordOf(event).offset);
    expect(offsets).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  it('outlives the leader of the partition', async () => {
    await createTopic(cluster(), 'moved', { assignment: [[2, 3, 1]] });
    const reader = await tail('moved/tail?from=earliest');
    await send(cluster(), 'moved', spread(0, 10, 1));
    await reader.take(10);
    await cluster().broker(2).kill('SIGKILL');
    await eventually(() => send(cluster(), 'moved', spread(10, 20, 1)).then(() => true));
    const rest = await reader.take(10);
    expect(rest.map((event) => recordOf(event).offset).slice(0, 10)).toEqual(
      Array.from({ length: 10 }, (_, index) => index + 10),
    );
    await cluster().broker(2).start();
  });

  it('ends when the topic is deleted, and never makes one', async () => {
    await createTopic(cluster(), 'gone', { partitions: 2 });
    const reader = await tail('gone/tail');
    await deleteTopic(cluster(), 'gone');
    const end = await reader.next();
    expect([end?.type, end?.data]).toEqual(['end', '{"reason":"topic_deleted"}']);
    expect(await reader.next()).toBeNull();
    await expect(tail('gone/tail')).rejects.toThrow('404 {"error_code":40401,"message":"Topic not found."}');
    await withAdmin(cluster(), async (admin) => expect(await admin.listTopics()).not.toContain('gone'));
  });

  it('begins anew with a topic that was made anew', async () => {
    await createTopic(cluster(), 'anew');
    await send(cluster(), 'anew', spread(0, 10, 1));
    const reader = await tail('anew/tail?from=earliest');
    await reader.take(10);
    const lastEventId = reader.lastEventId;
    reader.close();
    await deleteTopic(cluster(), 'anew');
    await createTopic(cluster(), 'anew');
    await send(cluster(), 'anew', spread(0, 20, 1));
    const again = await tail('anew/tail', { lastEventId });
    expect((await again.take(20)).map((event) => recordOf(event).offset)[0]).toBe(0);
  });

  it('refuses what it does not understand', async () => {
    await createTopic(cluster(), 'asked');
    await expect(tail('asked/tail?from=yesterday')).rejects.toThrow('400 {"error_code":400');
    await expect(tail('asked/tail?format=xml')).rejects.toThrow('format must be one of avro, json, string, binary');
    await expect(tail('asked/tail?limit=0')).rejects.toThrow('limit must be at least 1');
    await expect(tail('asked/tail?topic=other')).rejects.toThrow('Unknown parameter: topic');
    await expect(tail('asked/tail?partition=1')).rejects.toThrow('404 {"error_code":40402');
    await expect(tail('asked/tail', { lastEventId: '7' })).rejects.toThrow('Last-Event-ID');
  });

  it('only so many are open; who leaves makes room, and leaves no connection behind', async () => {
    for (const client of open) client.close();
    open.clear();
    await createTopic(cluster(), 'crowd');
    let connectionsBefore = -1;
    await eventually(async () => {
      connectionsBefore = await connections();
      return connectionsBefore === (await connections());
    });
    const crowd = await eventually(async () => {
      const readers: EventSourceClient[] = [];
      try {
        for (let index = 0; index < 50; index++)
          readers.push(await tail('crowd/tail', { from: `127.0.0.${1 + (index % 2)}` }));
      } catch (error) {
        for (const reader of readers) reader.close();
        throw error;
      }
      return readers;
    });
    await expect(tail('crowd/tail')).rejects.toThrow(/^503 \{"error_code":503,"message":"50 tails are open/);
    crowd[0]?.close();
    const late = await eventually(() => tail('crowd/tail'));
    await send(cluster(), 'crowd', [{ value: 'to all' }]);
    for (const reader of [...crowd.slice(1), late])
      expect((await reader.take(1)).map(recordOf)).toMatchObject([{ value: 'to all' }]);
    expect(await connections()).toBeGreaterThan(connectionsBefore + 50);
    for (const client of open) client.close();
    await eventually(async () => (await connections()) <= connectionsBefore + 5);
    // One client alone keeps nobody else out.
    await eventually(() => tail('crowd/tail'));
    for (let count = 2; count <= 37; count++) await tail('crowd/tail');
    await expect(tail('crowd/tail')).rejects.toThrow(/^503 \{"error_code":503,"message":"37 tails are open/);
    await tail('crowd/tail', { from: '127.0.0.2' });
    for (const client of open) client.close();
  });

  /** That clients have to the brokers, tails among them. */
  async function connections(): Promise<number> {
    const scraped = await Promise.all(cluster().brokers.map((broker) => scrape(`${httpAddress(broker)}/metrics`)));
    const counts = scraped.flatMap(({ series }) => [
      ...(series.get('kafka_server_socket_server_metrics_connection_count')?.values() ?? []),
    ]);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  it('is told that the broker stops, and the broker does not wait for it', async () => {
    const reader = await tail('crowd/tail', { broker: 3 });
    await cluster().broker(3).stop();
    const end = await reader.next();
    expect([end?.type, end?.data]).toEqual(['end', '{"reason":"shutdown"}']);
    expect(await reader.next()).toBeNull();
    expect(reader.isWhole).toBe(true);
    await cluster().broker(3).start();
  });
});

async function send(cluster: TestCluster, topic: string, messages: Message[]): Promise<void> {
  const producer = kafkaClient(cluster).producer();
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages });
  } finally {
    await producer.disconnect();
  }
}

/** One record for each number, over the partitions in turn. */
function spread(from: number, to: number, partitions = 3): Message[] {
  return Array.from({ length: to - from }, (_, index) => ({
    partition: (from + index) % partitions,
    value: String(from + index),
  }));
}

function recordOf(event: ServerEvent | undefined): TailedRecord {
  if (event === undefined) throw new Error('there is no event');
  return JSON.parse(event.data) as TailedRecord;
}

/** The last id may be that of an event that was not looked at: this is the one of the last that was. */
function positionAfter(seen: readonly TailedRecord[], id: string): string {
  const next = new Map<number, number>();
  for (const { partition, offset } of seen) next.set(partition, offset + 1);
  const offsets = [0, 1, 2].map((partition) => `${partition}:${next.get(partition) ?? 0}`);
  return `${offsets.join(',')}@${id.split('@')[1]}`;
}
