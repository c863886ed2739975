/** Frames out of a stream, however it is cut. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameSplitter } from '../../../src/zk/frame-splitter.ts';

function frame(body: Uint8Array): Buffer {
  const result = Buffer.alloc(4 + body.length);
  result.writeInt32BE(body.length);
  result.set(body, 4);
  return result;
}

it('come out whole and in order, wherever the stream is cut', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 });
  fc.assert(
    fc.property(bodies, fc.array(fc.integer({ min: 0, max: 20 })), (parts, cuts) => {
      const frames = parts.map(frame);
      const stream = Buffer.concat(frames);
      const splitter = new FrameSplitter(1000);
      const found: Buffer[] = [];
      let position = 0;
      for (const length of [...cuts, stream.length]) {
        for (const each of splitter.push(stream.subarray(position, position + length))) found.push(Buffer.from(each));
        position += length;
      }
      expect(found).toEqual(frames);
    }),
  );
});

it.each([-1, 1001, 0x7fff_ffff])('a length of %i is refused as soon as it is known', (length) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(length);
  expect(() => [...new FrameSplitter(1000).push(bytes)]).toThrow(`frame of ${length} bytes`);
});

it('a large frame in small chunks is joined once', () => {
  const splitter = new FrameSplitter(100_000_000);
  const body = Buffer.alloc(20_000_000, 5);
  const whole = frame(body);
  const found: Buffer[] = [];
  for (let position = 0; position < whole.length; position += 1000)
    found.push(...splitter.push(whole.subarray(position, position + 1000)));
  expect(found.length).toBe(1);
  expect(found[0]?.equals(whole)).toBe(true);
});
