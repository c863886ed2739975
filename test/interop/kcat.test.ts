/** kcat (librdkafka 2.0) as producer, consumer and guide to the cluster. */
import { describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { useCluster } from '../support/use-cluster.ts';
import { kcat, kcatMetadata } from '../support/kcat.ts';
import { readPartition, whenControlled } from '../support/wire-client.ts';

const cluster = useCluster();
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Everything there is in one partition, as kcat formats it. */
function consume(topic: string, ...args: string[]): Promise<string[]> {
  return kcat(cluster().bootstrap, ['-C', '-t', topic, '-e', '-q', ...args]);
}

describe('kcat', () => {
  it('lists brokers, controller, topics, leaders and replicas', async () => {
    await createTopic(cluster(), 'kcat-listed', {
      assignment: [
        [3, 1],
        [2, 3],
        [1, 2],
      ],
    });
    for (const { address } of cluster().brokers) {
      const metadata = await kcatMetadata(address);
      expect(metadata.brokers.map(({ id, name }) => `${id} ${name}`).toSorted()).toEqual(
        cluster().brokers.map((broker) => `${broker.id} ${broker.address}`),
      );
      expect(metadata.controllerid).toBe(await whenControlled(cluster()));
      const listed = metadata.topics.find(({ topic }) => topic === 'kcat-listed');
      expect(listed?.partitions.map(({ leader }) => leader)).toEqual([3, 2, 1]);
      expect(listed?.partitions.map(({ replicas }) => replicas.map(({ id }) => id))).toEqual([
        [3, 1],
        [2, 3],
        [1, 2],
      ]);
    }
    const unknown = await kcatMetadata(cluster().bootstrap, 'kcat-nowhere');
    expect(unknown.topics[0]?.error).toMatch(/Unknown topic or partition/);
  });

  it.each(CODECS)('writes keys and values packed with %s and reads them back', async (codec) => {
    const topic = `kcat-${codec}`;
    await createTopic(cluster(), topic);
    const lines = Array.from({ length: 500 }, (_, index) => `key-${index}|${'v'.repeat(100)}-${index}`);
    const args = ['-P', '-t', topic, '-p', '0', '-K', '|', '-z', codec];
    await kcat(cluster().bootstrap, args, { input: `${lines.join('\n')}\n` });
    expect(await consume(topic, '-K', '|')).toEqual(lines);
    expect((await readPartition(cluster(), topic, 0)).map(({ key, value }) => `${key}|${value}`)).toEqual(lines);
  });

  it.each(['0', '1', 'all'])('writes with acks=%s', async (acks) => {
    const topic = `kcat-acks-${acks}`;
    await createTopic(cluster(), topic);
    await kcat(cluster().bootstrap, ['-P', '-t', topic, '-X', `acks=${acks}`], { input: 'a\nb\nc\n' });
    expect(await consume(topic)).toEqual(['a', 'b', 'c']);
  });

  it('writes idempotently', async () => {
    await createTopic(cluster(), 'kcat-idempotent', { partitions: 3 });
    const lines = Array.from({ length: 3000 }, (_, index) => `line ${index}`);
    const args = ['-P', '-t', 'kcat-idempotent', '-X', 'enable.idempotence=true', '-X', 'batch.num.messages=50'];
    await kcat(cluster().bootstrap, args, { input: `${lines.join('\n')}\n` });
    const read = await consume('kcat-idempotent');
    expect(read.toSorted()).toEqual(lines.toSorted());
  });

  it('writes headers and reads partition, offset, timestamp and headers', async () => {
    await createTopic(cluster(), 'kcat-headers', { partitions: 2 });
    await kcat(cluster().bootstrap, ['-P', '-t', 'kcat-headers', '-p', '1', '-H', 'one=1', '-H', 'two='], {
      input: 'x\n',
    });
    const [line = ''] = await consume('kcat-headers', '-f', '%p %o %T %h %s\n');
    expect(line).toMatch(/^1 0 \d{13} one=1,two= x$/);
  });

  it('reads by offset, from either end and backwards', async () => {
    await createTopic(cluster(), 'kcat-offsets');
    const lines = Array.from({ length: 100 }, (_, index) => `${index}`);
    await kcat(cluster().bootstrap, ['-P', '-t', 'kcat-offsets'], { input: `${lines.join('\n')}\n` });
    expect(await consume('kcat-offsets', '-o', 'beginning')).toEqual(lines);
    expect(await consume('kcat-offsets', '-p', '0', '-o', '90')).toEqual(lines.slice(90));
    expect(await consume('kcat-offsets', '-p', '0', '-o', '-5')).toEqual(lines.slice(95));
    expect(await consume('kcat-offsets', '-p', '0', '-o', 'end')).toEqual([]);
    expect(await consume('kcat-offsets', '-p', '0', '-o', '10', '-c', '3')).toEqual(['10', '11', '12']);
    expect(await consume('kcat-offsets', '-p', '0', '-o', 'beginning', '-X', 'fetch.message.max.bytes=1000')).toEqual(
      lines,
    );
  });

  it('reads and asks by timestamp', async () => {
    await createTopic(cluster(), 'kcat-times');
    const stamps: number[] = [];
    for (const value of ['first', 'second', 'third']) {
      await kcat(cluster().bootstrap, ['-P', '-t', 'kcat-times'], { input: `${value}\n` });
      stamps.push((await readPartition(cluster(), 'kcat-times', 0)).at(-1)?.timestampMs ?? 0);
    }
    expect(await consume('kcat-times', '-p', '0', '-o', `s@${stamps[1]}`)).toEqual(['second', 'third']);
    const until = ['-o', `s@${stamps[0]}`, '-o', `e@${stamps[2]}`];
    expect(await consume('kcat-times', '-p', '0', ...until)).toEqual(['first', 'second']);
    const ask = async (stamp: number) => kcat(cluster().bootstrap, ['-Q', '-t', `kcat-times:0:${stamp}`]);
    expect(await ask(stamps[2] ?? 0)).toEqual(['kcat-times [0] offset 2']);
    expect(await ask(-1)).toEqual(['kcat-times [0] offset 3']);
    expect(await ask(-2)).toEqual(['kcat-times [0] offset 0']);
  });

  it('writes and reads large records and many at once', async () => {
    await createTopic(cluster(), 'kcat-large', { configs: { 'max.message.bytes': '4000000' } });
    const large = ['a', 'b', 'c'].map((letter) => letter.repeat(900_000));
    await kcat(cluster().bootstrap, ['-P', '-t', 'kcat-large', '-X', 'message.max.bytes=4000000'], {
      input: `${large.join('\n')}\n`,
    });
    expect((await consume('kcat-large')).map((line) => `${line[0]}${line.length}`)).toEqual([
      'a900000',
      'b900000',
      'c900000',
    ]);
    await createTopic(cluster(), 'kcat-many', { partitions: 6 });
    const many = Array.from({ length: 100_000 }, (_, index) => `record number ${index}`);
    await kcat(cluster().bootstrap, ['-P', '-t', 'kcat-many', '-z', 'lz4'], { input: `${many.join('\n')}\n` });
    const read = await consume('kcat-many');
    expect(read).toHaveLength(100_000);
    expect(new Set(read).size).toBe(100_000);
  });

  it('waits for a record that comes later', async () => {
    await createTopic(cluster(), 'kcat-waiting');
    const waiting = kcat(cluster().bootstrap, ['-C', '-t', 'kcat-waiting', '-c', '1', '-q', '-o', 'beginning']);
    await kcat(cluster().bootstrap, ['-P', '-t', 'kcat-waiting'], { input: 'at last\n' });
    expect(await waiting).toEqual(['at last']);
  });
});
