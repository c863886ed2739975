/** Frames come out whole and in order, however the bytes were cut, and no declared length is believed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../src/lib/buffer-pool.ts';
import { FrameReader, InvalidFrameError } from '../../../src/net/frame-reader.ts';

const MAX_FRAME_BYTES = 8 * 1024 * 1024;

function framed(payload: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

class CountingPool extends BufferPool {
  takenBytes = 0;
  outstanding = 0;
  override take(minBytes: number): Buffer {
    const buffer = super.take(minBytes);
    this.takenBytes += buffer.length;
    this.outstanding++;
    return buffer;
  }
  override give(buffer: Buffer): void {
    this.outstanding--;
    super.give(buffer);
  }
}

function reader(options: { mayTake?: () => boolean; keepsFrames?: boolean } = {}) {
  const frames: Buffer[] = [];
  const pool = new CountingPool();
  const sink = {
    mayTake: options.mayTake ?? (() => true),
    take: (frame: Buffer) => frames.push(options.keepsFrames ? frame : Buffer.from(frame)),
  };
  const frameReader = new FrameReader(sink, {
    maxFrameBytes: MAX_FRAME_BYTES,
    buffers: pool,
    keepsFrames: options.keepsFrames ?? false,
  });
  return { frames, pool, reader: frameReader };
}

/** Gives the bytes as a socket would: into the landing buffer where there is one. */
function feed(target: FrameReader, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    const landing = target.landing();
    if (landing === null) {
      target.push(bytes.subarray(at));
      return;
    }
    const count = bytes.copy(landing, 0, at, Math.min(bytes.length, at + landing.length));
    target.landed(count);
    at += count;
  }
}

describe('the frames of a connection', () => {
  it('come out as they went in, for any frames cut at any places', () => {
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.integer({ min: 0, max: 200_000 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
    );
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 12 }), fc.infiniteStream(fc.nat(70_000)), (payloads, cuts) => {
        const { frames, pool, reader: target } = reader();
        const stream = Buffer.concat(payloads.map((bytes) => framed(Buffer.from(bytes))));
        for (let at = 0; at < stream.length; ) {
          const count = 1 + (cuts.next().value ?? 0);
          feed(target, stream.subarray(at, at + count));
          at += count;
        }
        expect(frames.length).toBe(payloads.length);
        expect(frames.every((frame, index) => frame.equals(payloads[index]!))).toBe(true);
        expect(target.isInsideFrame).toBe(false);
        expect(pool.outstanding).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('come out when every byte comes alone', () => {
    const { frames, reader: target } = reader();
    const stream = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.alloc(0)), framed(Buffer.from('three'))]);
    for (const byte of stream) feed(target, Buffer.from([byte]));
    expect(frames.map(String)).toEqual(['one', '', 'three']);
  });

  it('are handed on in place when they arrive whole', () => {
    const taken: Buffer[] = [];
    const pool = new CountingPool();
    const sink = { mayTake: () => true, take: (frame: Buffer) => taken.push(frame) };
    const target = new FrameReader(sink, { maxFrameBytes: 100, buffers: pool });
    const received = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.from('two'))]);
    expect(target.push(received)).toBe(received.length);
    expect(taken.every((frame) => frame.buffer === received.buffer)).toBe(true);
    expect(pool.takenBytes).toBe(0);
  });

  it.each([-1, -2_147_483_648, MAX_FRAME_BYTES + 1, 2_147_483_647])('of %i bytes are refused', (length) => {
    const { reader: target } = reader();
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(length);
    expect(() => target.push(bytes)).toThrow(InvalidFrameError);
  });

  it('that only declare a large length get little memory', () => {
    const { pool, reader: target } = reader();
    const bytes = Buffer.alloc(10);
    bytes.writeInt32BE(MAX_FRAME_BYTES);
    feed(target, bytes);
    expect(target.isInsideFrame).toBe(true);
    expect(target.receivedBytes).toBe(6);
    expect(pool.takenBytes).toBeLessThanOrEqual(64 * 1024);
    target.close();
    expect(pool.outstanding).toBe(0);
  });

  it('wait while the sink takes none, and what landed meanwhile is not lost', () => {
    let open = false;
    const { frames, reader: target } = reader({ mayTake: () => open });
    const bytes = framed(Buffer.from('later'));
    expect(target.push(bytes)).toBe(0);
    open = true;
    expect(target.push(bytes.subarray(0, 6))).toBe(6);
    open = false;
    const landing = target.landing();
    bytes.copy(landing!, 0, 6);
    target.landed(3);
    expect(target.isFrameComplete).toBe(true);
    expect(target.landing()).toBeNull();
    expect(frames).toEqual([]);
    open = true;
    target.push(Buffer.alloc(0));
    expect(frames.map(String)).toEqual(['later']);
  });

  it('stay valid when the reader keeps them, until they are released', () => {
    const { frames, pool, reader: target } = reader({ keepsFrames: true });
    const bytes = framed(Buffer.alloc(100_000, 7));
    feed(target, bytes.subarray(0, 50_000));
    feed(target, bytes.subarray(50_000));
    expect(pool.outstanding).toBe(1);
    expect(frames[0]?.every((byte) => byte === 7)).toBe(true);
    target.releaseKept();
    expect(pool.outstanding).toBe(0);
  });
});
