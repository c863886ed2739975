/** The stream of records and its reports: what waits is bounded, and what is said comes in order. */
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { SharedRoom } from '../../../src/rest/shared-room.ts';
import { RestError } from '../../../src/rest/rest-errors.ts';
import { type StreamLimits, StreamProduce } from '../../../src/rest/stream-produce.ts';
import { StreamedRecords } from '../../../src/rest/streamed-records.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const noSchemas = () => Promise.reject(new RestError(404, 'there are no schemas'));

/** A client, a broker that acknowledges when the test says so, and the stream between them. */
class Stage {
  readonly clock = new ManualClock();
  readonly memory: SharedRoom;
  readonly stream: StreamProduce;
  readonly written: string[] = [];
  readonly ended: Promise<string>;
  /** One for each record that was handed on. */
  readonly writes: Deferred<number>[] = [];
  /** Chunks that the stream has asked for. */
  asked = 0;
  mayWrite = true;
  #drained = new Deferred<void>();
  #requests: Deferred<IteratorResult<Buffer, unknown>>[] = [];
  #chunks: IteratorResult<Buffer, unknown>[] = [];

  constructor({ memoryBytes = 10_000, limits = {} as Partial<StreamLimits> } = {}) {
    this.memory = new SharedRoom(memoryBytes);
    const { clock, memory } = this;
    const schemas = { byId: noSchemas, ofSubject: noSchemas, atVersion: noSchemas, ofText: noSchemas };
    const writer = {
      write: async () => {
        const write = new Deferred<number>();
        this.writes.push(write);
        return { partition: 0, offset: await write.promise, timestampMs: -1 };
      },
    };
    const records = new StreamedRecords({ clusterId: 'c', writer, schemas, clock });
    const output = {
      write: (text: string) => {
        this.written.push(text);
        return this.mayWrite;
      },
      whenDrained: () => this.#drained.promise,
    };
    this.stream = new StreamProduce(
      't',
      { records, memory: memory.of('client'), clock, logger: silentLogger, limits },
      output,
    );
    this.ended = this.stream.run({ next: () => this.#next() });
  }

  #next(): Promise<IteratorResult<Buffer, unknown>> {
    this.asked++;
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    const request = new Deferred<IteratorResult<Buffer, unknown>>();
    this.#requests.push(request);
    return request.promise;
  }

  #give(chunk: IteratorResult<Buffer, unknown>): void {
    const request = this.#requests.shift();
    if (request === undefined) this.#chunks.push(chunk);
    else request.resolve(chunk);
  }

  send(...records: readonly (object | string)[]): void {
    const text = records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))).join('');
    this.#give({ done: false, value: Buffer.from(text) });
  }

  end(): void {
    this.#give({ done: true, value: undefined });
  }

  leave(): void {
    this.#requests.shift()?.reject(new Error('aborted'));
  }

  drain(): void {
    this.mayWrite = true;
    this.#drained.resolve();
    this.#drained = new Deferred();
  }

  /** Error code and offset of every report. */
  get reports(): (number | undefined)[][] {
    const lines = this.written.join('').split('\r\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line)).map(({ error_code, offset }) => [error_code, offset]);
  }

  /** Everything that can happen without time passing has happened. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => this.clock.soon(resolve));
  }
}

const record = { value: { type: 'STRING', data: 'x' } };

test('reports come in the order of the records, whatever is acknowledged first', async () => {
  const stage = new Stage();
  stage.send(record, record, '{"a":1}', record);
  await stage.settle();
  stage.writes[2]?.resolve(12);
  stage.writes[1]?.resolve(11);
  await stage.settle();
  expect(stage.reports).toEqual([]);
  stage.writes[0]?.resolve(10);
  await stage.settle();
  expect(stage.reports).toEqual([
    [200, 10],
    [200, 11],
    [400, undefined],
    [200, 12],
  ]);
  // What is acknowledged together is written together.
  expect(stage.written).toHaveLength(1);
  stage.end();
  expect(await stage.ended).toBe('done');
  expect(stage.memory.used).toBe(0);
});

test('no more records are handed on than may wait for their reports, and nothing more is read', async () => {
  const stage = new Stage({ limits: { maxRecords: 3 } });
  stage.send(record, record, record, record);
  stage.send(record);
  await stage.settle();
  expect(stage.writes).toHaveLength(3);
  expect(stage.asked).toBe(1);
  stage.writes[0]?.resolve(0);
  await stage.settle();
  expect(stage.writes).toHaveLength(4);
  for (const write of stage.writes) write.resolve(1);
  await stage.settle();
  expect(stage.writes).toHaveLength(5);
});

test('nor more bytes; one record may be larger', async () => {
  const size = JSON.stringify(record).length;
  const stage = new Stage({ limits: { maxBytes: size * 2 } });
  stage.send({ value: { type: 'STRING', data: 'x'.repeat(500) } }, record, record, record);
  await stage.settle();
  expect(stage.writes).toHaveLength(1);
  stage.writes[0]?.resolve(0);
  await stage.settle();
  expect(stage.writes).toHaveLength(3);
});

test('a client that takes no reports is not read any more, and is given up after a while', async () => {
  const stage = new Stage({ limits: { maxRecords: 2, idleMs: 1000, maxDurationMs: 10_000 } });
  stage.mayWrite = false;
  stage.send(record);
  await stage.settle();
  stage.writes[0]?.resolve(0);
  await stage.settle();
  expect(stage.written).toHaveLength(1);
  stage.send(record, record, record);
  await stage.settle();
  for (const write of stage.writes) write.resolve(0);
  await stage.settle();
  expect(stage.written).toHaveLength(1);
  expect(stage.writes).toHaveLength(3);
  stage.drain();
  await stage.settle();
  expect(stage.reports.length).toBeGreaterThanOrEqual(3);
  stage.mayWrite = false;
  stage.send(record);
  await stage.settle();
  for (const write of stage.writes) write.resolve(0);
  await stage.settle();
  stage.clock.advance(1000);
  expect(await stage.ended).toBe('stopped');
  for (const write of stage.writes) write.resolve(0);
  await stage.settle();
  expect(stage.memory.used).toBe(0);
});

test('who sends nothing for a while is told, after the reports of what was sent', async () => {
  const stage = new Stage({ limits: { idleMs: 1000, maxDurationMs: 10_000 } });
  stage.send(record, '{"value":');
  await stage.settle();
  stage.clock.advance(1000);
  await stage.settle();
  expect(stage.reports).toEqual([]);
  stage.writes[0]?.resolve(7);
  await stage.settle();
  expect(await stage.ended).toBe('done');
  expect(stage.reports).toEqual([
    [200, 7],
    [408, undefined],
  ]);
  expect(stage.written.join('')).toContain('Streaming connection idle for longer than allowed');
  expect(stage.memory.used).toBe(0);
});

test('nobody streams for ever', async () => {
  const stage = new Stage({ limits: { idleMs: 1000, maxDurationMs: 2500 } });
  for (let round = 0; round < 3; round++) {
    await stage.settle();
    stage.clock.advance(900);
    stage.send(' ');
  }
  await stage.settle();
  expect(await stage.ended).toBe('done');
  expect(stage.written.join('')).toContain('Streaming connection open for longer than allowed');
});

test('what is no JSON ends the stream; a record that failed does not', async () => {
  const stage = new Stage();
  stage.send(record, record, '{"value":tru}', record);
  await stage.settle();
  stage.writes[0]?.reject(new RestError(40401, 'Topic not found.'));
  stage.writes[1]?.resolve(1);
  expect(await stage.ended).toBe('done');
  expect(stage.reports).toEqual([
    [40401, undefined],
    [200, 1],
    [400, undefined],
  ]);
});

test.each([
  ['{"value":', 'the text ends where a value should be'],
  ['{"value', 'the text ends within the string that begins at position 1'],
  ['{bad', "unexpected character 'b' at position 1, where a string should be"],
])('%s before the end is told for what it is', async (sent, why) => {
  const stage = new Stage();
  stage.send(sent);
  stage.end();
  expect(await stage.ended).toBe('done');
  expect(JSON.parse(stage.written.join(''))).toEqual({
    error_code: 400,
    message: `Bad Request: Error processing message: ${why}`,
  });
});

test('a stream without anything but white space is empty', async () => {
  const stage = new Stage();
  stage.send(' \r\n');
  stage.end();
  expect(await stage.ended).toBe('empty');
  expect(stage.written).toEqual([]);
});

test('who leaves is not told anything, and what was taken is given back', async () => {
  const stage = new Stage();
  stage.send(record, '{"value":');
  await stage.settle();
  stage.leave();
  expect(await stage.ended).toBe('stopped');
  // The record is on its way all the same.
  expect(stage.memory.used).toBe(JSON.stringify(record).length);
  stage.writes[0]?.resolve(1);
  await stage.settle();
  expect(stage.written).toEqual([]);
  expect(stage.memory.used).toBe(0);
});

test('where the broker has no room the record is refused, and the next may have it', async () => {
  const stage = new Stage({ memoryBytes: 100 });
  stage.send({ value: { type: 'STRING', data: 'x'.repeat(200) } }, record);
  await stage.settle();
  stage.writes[0]?.resolve(0);
  await stage.settle();
  expect(stage.reports.map(([code]) => code)).toEqual([42901, 200]);
  // Half a record is held, too.
  stage.send(`{"value":"${'x'.repeat(200)}`);
  expect(await stage.ended).toBe('done');
  expect(stage.reports.map(([code]) => code)).toEqual([42901, 200, 42901]);
  expect(stage.memory.used).toBe(0);
});

test('when the server closes, what was read is still reported', async () => {
  const stage = new Stage();
  stage.send(record);
  await stage.settle();
  stage.stream.finish();
  stage.send(record);
  await stage.settle();
  stage.writes[0]?.resolve(3);
  expect(await stage.ended).toBe('done');
  expect(stage.reports).toEqual([[200, 3]]);
});
