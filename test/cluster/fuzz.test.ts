/**
 * A hostile client: random bytes, broken requests of every API and version, batches that lie under a right CRC, frames
 * that never end. The broker answers or closes that connection and lives; its memory stays bounded; an honest producer
 * goes on all the while and every record it had acknowledged is there.
 *
 * A failure prints the seed; FUZZ_SEED=… repeats it and FUZZ_RUNS=… makes it longer.
 */
import { readFileSync } from 'node:fs';
import * as net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeRequest } from '../../src/protocol/frame.ts';
import { Produce } from '../../src/protocol/messages/index.ts';
import { batches } from '../../src/protocol/records/batch.ts';
import { produceV9 } from '@platformatic/kafka';
import { createTopic } from '../support/admin.ts';
import { useCluster } from '../support/use-cluster.ts';
import { FrameClient } from '../support/frame-client.ts';
import { brokenBatch, brokenRequest, randomFrame, validRequest } from '../support/hostile-frames.ts';
import { logBytes } from '../support/replicas.ts';
import { type SteadyWriter, startWriter } from '../support/steady-writer.ts';
import { LATEST, listOffset, withConnection } from '../support/wire-client.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 60);
const FRAMES_PER_RUN = 24;
/**
 * What one broker may hold at the worst moment. At rest it holds less than 100 MB; a leak of one frame size is 100 MB.
 */
const MAX_RESIDENT_MB = 700;

const cluster = useCluster({ brokers: 1, overrides: { 'min.insync.replicas': '1' } });
const HONEST = 'honest';
const TARGET = 'target';

function parameters(): fc.Parameters<unknown> {
  const seed = process.env['FUZZ_SEED'];
  return { numRuns: RUNS, endOnFailure: true, ...(seed === undefined ? {} : { seed: Number(seed) }) };
}

function residentMb(): number {
  const status = readFileSync(`/proc/${cluster().broker(1).pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

/** Sends the bytes on a connection of their own and hangs up when they are answered, refused or ignored. */
async function attack(bytes: Buffer, patienceMs = 150): Promise<void> {
  const client = await FrameClient.connect(cluster().broker(1).port);
  client.socket.write(bytes);
  const deadline = performance.now() + patienceMs;
  while (!client.isClosed && client.frames.length === 0 && performance.now() < deadline) await sleep(5);
  client.socket.destroy();
}

/** Runs the attack while an honest writer writes, and then judges broker and writer. */
async function besiege(siege: (writer: SteadyWriter) => Promise<void>): Promise<void> {
  const { pid } = cluster().broker(1);
  const topic = `${HONEST}-${Math.floor(performance.now())}`;
  await createTopic(cluster(), topic);
  const writer = startWriter(cluster(), topic, [0]);
  await writer.advance(5);
  await siege(writer);
  await writer.advance(20);
  expect(await writer.judge()).toEqual([]);
  expect(writer.errors).toEqual([]); // The honest connection was never even disturbed.
  expect(cluster().broker(1).pid).toBe(pid);
  expect(cluster().broker(1).faults).toEqual([]);
  expect(residentMb()).toBeLessThan(MAX_RESIDENT_MB);
}

async function produceTo(topic: string, value: string): Promise<number> {
  const response = await withConnection(cluster().broker(1).address, (connection) =>
    produceV9.api.async(connection, -1, 8000, [{ topic, partition: 0, value: Buffer.from(value) }]),
  );
  return typeof response === 'boolean' ? -1 : Number(response.responses[0]?.partitionResponses[0]?.baseOffset ?? -1n);
}

beforeAll(async () => {
  await createTopic(cluster(), TARGET);
});

describe('a broker under attack', () => {
  it('lives through random bytes', async () => {
    await besiege(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(randomFrame, { minLength: FRAMES_PER_RUN, maxLength: FRAMES_PER_RUN }),
          async (frames) => {
            await Promise.all(frames.map((frame) => attack(frame)));
          },
        ),
        parameters(),
      ),
    );
  });

  it('lives through valid requests of every API and version with arbitrary content', async () => {
    await besiege(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(validRequest, { minLength: FRAMES_PER_RUN, maxLength: FRAMES_PER_RUN }),
          async (requests) => {
            await Promise.all(requests.map(({ frame }) => attack(frame)));
          },
        ),
        parameters(),
      ),
    );
  });

  it('lives through requests of every API and version with something wrong in them', async () => {
    await besiege(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(brokenRequest, { minLength: FRAMES_PER_RUN, maxLength: FRAMES_PER_RUN }),
          async (requests) => {
            await Promise.all(requests.map(({ frame }) => attack(frame)));
          },
        ),
        parameters(),
      ),
    );
  });

  it('lives through batches that lie, and can still read what it kept of them', async () => {
    await besiege(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(brokenBatch, { minLength: FRAMES_PER_RUN, maxLength: FRAMES_PER_RUN }),
          async (lies) => {
            await Promise.all(
              lies.map((records) => {
                const partitionData = [{ index: 0, records }];
                const request = { acks: -1, timeoutMs: 1000, topicData: [{ name: TARGET, partitionData }] };
                return attack(encodeRequest(Produce, 9, 1, 'fuzz', request));
              }),
            );
          },
        ),
        parameters(),
      ),
    );
    // What a batch packs is its sender's affair; its frame must be sound, or nobody could read past it.
    let next = 0;
    for (const batch of batches(logBytes(cluster(), 1, TARGET, 0))) {
      expect(batch.isCrcValid()).toBe(true);
      expect(batch.baseOffset).toBe(next);
      expect(batch.recordCount).toBe(batch.lastOffset - batch.baseOffset + 1);
      next = batch.lastOffset + 1;
    }
    expect(await listOffset(cluster(), TARGET, 0, LATEST)).toBe(next);
    const accepted = await produceTo(TARGET, 'the log goes on');
    expect(accepted).toBe(next);
  });

  it('keeps little for many who promise large frames and send nothing', async () => {
    await besiege(async () => {
      const before = residentMb();
      const promise = Buffer.alloc(4);
      promise.writeInt32BE(90 << 20);
      const clients = await Promise.all(
        Array.from({ length: 100 }, () => FrameClient.connect(cluster().broker(1).port)),
      );
      for (const { socket } of clients) socket.write(Buffer.concat([promise, Buffer.alloc(1000)]));
      await sleep(500); // The time in which a broker that believes them would take the memory.
      expect(residentMb() - before).toBeLessThan(300);
      for (const { socket } of clients) socket.destroy();
    });
  });

  it('closes a connection whose frame is longer than it allows, and no other', async () => {
    await besiege(async () => {
      for (const length of [0x7fffffff, -1, -0x80000000, 200 << 20]) {
        const client = await FrameClient.connect(cluster().broker(1).port);
        const bytes = Buffer.alloc(8);
        bytes.writeInt32BE(length | 0);
        client.socket.write(bytes);
        while (!client.isClosed) await sleep(5);
      }
    });
  });

  it('serves a request that comes byte by byte', async () => {
    const frame = Buffer.from('0000000d00120000000000010003617070', 'hex'); // ApiVersions v0
    const socket = net.connect(cluster().broker(1).port, '127.0.0.1');
    const answer = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    for (const byte of frame) {
      socket.write(Buffer.from([byte]));
      await sleep(2);
    }
    const bytes = await answer;
    expect(bytes.readInt32BE(4)).toBe(1); // The correlation id.
    expect(bytes.readInt16BE(8)).toBe(0); // No error.
    socket.destroy();
  });
});
