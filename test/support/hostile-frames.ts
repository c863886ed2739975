/**
 * Frames that no honest client sends: random bytes, and valid requests of every API and version with something wrong in
 * them. Made from the declarations of the messages, so a new API is attacked the day it is declared.
 */
import fc from 'fast-check';
import { crc32c } from '../../src/protocol/crc32c.ts';
import { encodeRequest } from '../../src/protocol/frame.ts';
import { ALL_APIS } from '../../src/protocol/messages/index.ts';
import { buildBatch } from '../../src/protocol/records/build.ts';
import type { Api, RequestIn } from '../../src/protocol/schema.ts';
import { arbitraryMessage } from './arbitrary-message.ts';

const LENGTH_BYTES = 4;
/** Length, api key, version, correlation id, and a client id of four characters with its length. */
const HEADER_BYTES = 4 + 2 + 2 + 4 + 2 + 4;

/**
 * Without authentication whoever reaches the port can play the controller, in Kafka as here. What is attacked is the
 * reading of such requests, not the trust; so their senders are strangers from an older epoch, and the mutations
 * leave those fields alone.
 */
const FROM_A_STRANGER: ReadonlyMap<number, Readonly<Record<string, unknown>>> = new Map([
  [4, { controllerId: 99, controllerEpoch: 0, brokerEpoch: 0 }],
  [5, { controllerId: 99, controllerEpoch: 0, brokerEpoch: 0 }],
  [6, { controllerId: 99, controllerEpoch: 0, brokerEpoch: 0 }],
  [7, { brokerId: 99, brokerEpoch: 0 }],
  [56, { brokerId: 99, brokerEpoch: 0 }],
  [67, { brokerId: 99, brokerEpoch: 0 }],
]);
const PROTECTED_BYTES = 18;

/** Nothing but bytes, with and without a plausible length in front. */
export const randomFrame: fc.Arbitrary<Buffer> = fc
  .tuple(fc.uint8Array({ maxLength: 400 }), fc.boolean())
  .map(([bytes, isFramed]) => (isFramed ? framed(Buffer.from(bytes)) : Buffer.from(bytes)));

/** A valid request of any API at any version. */
export const validRequest: fc.Arbitrary<{ api: Api; frame: Buffer }> = fc.constantFrom(...ALL_APIS).chain((api) => {
  return fc.integer({ min: api.lowestVersion, max: api.highestVersion }).chain((version) =>
    arbitraryMessage(api.request, version).map((message) => {
      const request = { ...message, ...FROM_A_STRANGER.get(api.key) };
      return { api, frame: encodeRequest(api, version, 7, 'fuzz', request as RequestIn<Api>) };
    }),
  );
});

type Mutation = (frame: Buffer, at: number, value: number) => Buffer;

/** Each keeps the frame's length right, except those that are about the length. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'cut short': (frame, at) => framed(frame.subarray(LENGTH_BYTES, at)),
  'cut short under its old length': (frame, at) => Buffer.from(frame.subarray(0, at)),
  'longer than its message': (frame, at, value) => {
    const tail = Buffer.alloc(1 + (at % 64), value & 0xff);
    return framed(Buffer.concat([frame.subarray(LENGTH_BYTES), tail]));
  },
  'another int32': (frame, at, value) => overwrite(frame, at, int32(value)),
  'another int16': (frame, at, value) => overwrite(frame, at, int32(value).subarray(2)),
  'another byte': (frame, at, value) => overwrite(frame, at, int32(value).subarray(3)),
  'an endless varint': (frame, at) => overwrite(frame, at, Buffer.alloc(12, 0xff)),
  'a huge varint': (frame, at) => overwrite(frame, at, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])),
  'bytes that were not there': (frame, at, value) => {
    const bytes = Buffer.alloc(1 + (value & 7), value & 0xff);
    return framed(Buffer.concat([frame.subarray(LENGTH_BYTES, at), bytes, frame.subarray(at)]));
  },
  'another version': (frame, _at, value) => overwrite(frame, 6, int32(value).subarray(2)),
  'another api': (frame, _at, value) => overwrite(frame, 4, int32(value).subarray(2)),
  'a length that lies': (frame, _at, value) => overwrite(frame, 0, int32(value)),
};

const BOUNDARIES = [-1, 0, 1, -2, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, -0x80000000, 1e6];

/** A valid request with one to three things wrong. */
export const brokenRequest: fc.Arbitrary<{ what: string; frame: Buffer }> = validRequest.chain(({ api, frame }) =>
  fc
    .array(
      fc.record({
        kind: fc.constantFrom(...Object.keys(MUTATIONS)),
        position: fc.nat(),
        value: fc.oneof(fc.constantFrom(...BOUNDARIES), fc.integer()),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((steps) => {
      const isGuarded = FROM_A_STRANGER.has(api.key);
      let broken = frame;
      for (const { kind, position, value } of steps) {
        const first = Math.min(HEADER_BYTES + (isGuarded ? PROTECTED_BYTES : 0), broken.length);
        const at = first + (position % Math.max(1, broken.length - first));
        // A stranger that turns into another API would be taken at its word.
        const isAllowed = !isGuarded || (kind !== 'another api' && kind !== 'another version');
        if (isAllowed) broken = MUTATIONS[kind]?.(broken, at, value) ?? broken;
      }
      return { what: `${api.name}: ${steps.map(({ kind }) => kind).join(', ')}`, frame: broken };
    }),
);

/** Record batches that are wrong inside although their CRC is right, as bytes for a Produce request. */
export const brokenBatch: fc.Arbitrary<Buffer> = fc
  .record({
    compression: fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd' as const),
    count: fc.integer({ min: 1, max: 20 }),
    changes: fc.array(
      fc.record({
        position: fc.nat(),
        value: fc.oneof(fc.constantFrom(...BOUNDARIES), fc.integer()),
        width: fc.constantFrom(1, 2, 4, 8),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    cut: fc.option(fc.nat(), { freq: 4 }),
  })
  .map(({ compression, count, changes, cut }) => {
    const records = Array.from({ length: count }, (_, index) => ({
      key: Buffer.from(`key ${index}`),
      value: Buffer.from(`value ${index}`.repeat(10)),
      headers: [],
      timestampMs: 1_700_000_000_000 + index,
    }));
    const batch = Buffer.from(buildBatch({ records, baseOffset: 0, compression }));
    for (const { position, value, width } of changes) {
      const bytes = width === 8 ? Buffer.concat([int32(value >> 31), int32(value)]) : int32(value).subarray(4 - width);
      overwriteInPlace(batch, position % batch.length, bytes);
    }
    const damaged = cut === null ? batch : batch.subarray(0, 21 + (cut % Math.max(1, batch.length - 21)));
    if (damaged.length >= 21) damaged.writeUInt32BE(crc32c(damaged, 21, damaged.length), 17);
    return damaged;
  });

function framed(bytes: Buffer): Buffer {
  return Buffer.concat([int32(bytes.length), bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

function overwrite(frame: Buffer, at: number, bytes: Buffer): Buffer {
  const copy = Buffer.from(frame);
  overwriteInPlace(copy, at, bytes);
  return copy;
}

function overwriteInPlace(target: Buffer, at: number, bytes: Buffer): void {
  bytes.copy(target, at, 0, Math.max(0, Math.min(bytes.length, target.length - at)));
}
