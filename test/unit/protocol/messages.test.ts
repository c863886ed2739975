/** Every declared message at every version: what is written is read again, and hostile bytes are refused in time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL_APIS, apiByKey } from '../../../src/protocol/messages/index.ts';
import { Reader } from '../../../src/protocol/reader.ts';
import type { Api, Codec, Encodable, Fields } from '../../../src/protocol/schema.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import { arbitraryMessage } from '../../support/arbitrary-message.ts';

interface Case {
  readonly name: string;
  readonly fields: Fields;
  readonly version: number;
  readonly codec: Codec<unknown, Encodable<Fields>>;
}

function casesOf(api: Api): Case[] {
  const cases: Case[] = [];
  for (let version = api.lowestVersion; version <= api.highestVersion; version++) {
    const request = { name: `${api.name}Request v${version}`, fields: api.request, version };
    const response = { name: `${api.name}Response v${version}`, fields: api.response, version };
    cases.push({ ...request, codec: api.requestCodec(version) });
    cases.push({ ...response, codec: api.responseCodec(version) });
  }
  return cases;
}

const CASES = ALL_APIS.flatMap(casesOf);

function encode(codec: Codec<unknown, Encodable<Fields>>, value: unknown): Buffer {
  const writer = new Writer();
  codec.write(writer, value as Encodable<Fields>);
  return writer.finish();
}

/** What the codec does with bytes from outside: a value, or a RangeError. Anything else is a test failure. */
function tryRead(codec: Codec<unknown, Encodable<Fields>>, bytes: Buffer): unknown {
  try {
    return codec.read(new Reader(bytes));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

describe('every message at every version', () => {
  it('is read as it was written, to the last byte', () => {
    for (const { name, fields, version, codec } of CASES) {
      const roundTrip = fc.property(arbitraryMessage(fields, version), (value) => {
        const bytes = encode(codec, value);
        const reader = new Reader(bytes);
        expect(codec.read(reader), name).toEqual(value);
        expect(reader.remaining, name).toBe(0);
      });
      fc.assert(roundTrip, { numRuns: 12 });
    }
  });

  it('is refused with a RangeError when it is cut off anywhere', () => {
    for (const { fields, version, codec, name } of CASES) {
      const [value] = fc.sample(arbitraryMessage(fields, version), { numRuns: 1, seed: 7 });
      const bytes = encode(codec, value);
      const accepted: number[] = [];
      for (let length = 0; length < bytes.length; length++) {
        if (tryRead(codec, bytes.subarray(0, length)) !== null) accepted.push(length);
      }
      expect(accepted, name).toEqual([]);
    }
  });

  it('never reads beyond its frame', () => {
    for (const { fields, version, codec } of CASES) {
      const [value] = fc.sample(arbitraryMessage(fields, version), { numRuns: 1, seed: 8 });
      const bytes = encode(codec, value);
      const frame = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(5, 0xff)]);
      const reader = new Reader(frame, 3, 3 + bytes.length);
      expect(codec.read(reader)).toEqual(value);
      expect(reader.remaining).toBe(0);
    }
  });

  it('meets random bytes with a value or a RangeError', () => {
    const noise = fc.uint8Array({ maxLength: 200 });
    for (const { codec } of CASES) {
      fc.assert(
        fc.property(noise, (bytes) => tryRead(codec, Buffer.from(bytes)) !== undefined),
        { numRuns: 20 },
      );
    }
  });

  it('meets flipped bytes with a value or a RangeError', () => {
    for (const { fields, version, codec } of CASES) {
      const flipped = fc.tuple(arbitraryMessage(fields, version), fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
      fc.assert(
        fc.property(flipped, ([value, at, byte]) => {
          const bytes = encode(codec, value);
          if (bytes.length > 0) bytes[at % bytes.length] = byte;
          return tryRead(codec, bytes) !== undefined;
        }),
        { numRuns: 10 },
      );
    }
  });
});

describe('the list of apis', () => {
  it('has each key once, in order', () => {
    const keys = ALL_APIS.map((api) => api.key);
    expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
    for (const api of ALL_APIS) expect(apiByKey(api.key)).toBe(api);
    expect(apiByKey(999)).toBeUndefined();
  });

  it('has no codec outside the valid versions', () => {
    for (const api of ALL_APIS) {
      expect(() => api.requestCodec(api.highestVersion + 1)).toThrow(RangeError);
      expect(() => api.responseCodec(-1)).toThrow(RangeError);
    }
  });
});
