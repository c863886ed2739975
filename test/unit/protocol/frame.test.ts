/** Frames and headers, byte by byte as other clients write them. */
import { describe, expect, it } from 'vitest';
import { decodeResponse, encodeRequest, encodeResponse, readRequestHeader } from '../../../src/protocol/frame.ts';
import {
  ApiVersions,
  apiByKey,
  ControlledShutdown,
  Fetch,
  Metadata,
  Produce,
} from '../../../src/protocol/messages/index.ts';
import { Reader } from '../../../src/protocol/reader.ts';
import type { RecordsSource } from '../../../src/protocol/writer.ts';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

function header(frame: Buffer) {
  const reader = new Reader(frame, 4);
  return { ...readRequestHeader(reader, apiByKey), left: reader.remaining };
}

describe('a request', () => {
  it('of a version before flexible ones has header v1', () => {
    const frame = encodeRequest(Metadata, 1, 7, 'me', { topics: null });
    expect(frame.toString('hex')).toBe('00000010' + '0003' + '0001' + '00000007' + '00026d65' + 'ffffffff');
    expect(header(frame)).toEqual({ apiKey: 3, apiVersion: 1, correlationId: 7, clientId: 'me', left: 4 });
  });

  it('of a flexible version has header v2, its client id still not compact', () => {
    const frame = encodeRequest(ApiVersions, 3, 1, null, { clientSoftwareName: 'a', clientSoftwareVersion: 'b' });
    expect(frame.toString('hex')).toBe('00000010' + '0012' + '0003' + '00000001' + 'ffff' + '00' + '02610262' + '00');
    expect(header(frame)).toEqual({ apiKey: 18, apiVersion: 3, correlationId: 1, clientId: null, left: 5 });
  });

  it('of ControlledShutdown v0 has no client id', () => {
    const frame = encodeRequest(ControlledShutdown, 0, 9, 'dropped', { brokerId: 2 });
    expect(frame.toString('hex')).toBe('0000000c' + '0007' + '0000' + '00000009' + '00000002');
    expect(header(frame)).toEqual({ apiKey: 7, apiVersion: 0, correlationId: 9, clientId: null, left: 4 });
  });

  it('of an ApiVersions too new for us still has a readable header', () => {
    const frame = Buffer.from('0000000d' + '0012' + '0063' + '00000005' + '000161' + '00' + 'ff', 'hex');
    expect(header(frame)).toEqual({ apiKey: 18, apiVersion: 99, correlationId: 5, clientId: 'a', left: 1 });
  });

  it('of an unknown api can be named in a log line', () => {
    const frame = Buffer.from('0000000b' + '7fff' + '0001' + '00000005' + '000161', 'hex');
    expect(header(frame)).toEqual({ apiKey: 32767, apiVersion: 1, correlationId: 5, clientId: 'a', left: 0 });
  });

  it('that is cut off in its header is refused', () => {
    const frame = encodeRequest(Produce, 9, 7, 'me', { acks: 1, timeoutMs: 1, topicData: [] }).subarray(4);
    for (let length = 0; length < 13; length++) {
      expect(() => readRequestHeader(new Reader(frame.subarray(0, length)), apiByKey)).toThrow(RangeError);
    }
  });
});

describe('a response', () => {
  it('of ApiVersions has header v0 even when its body is flexible', () => {
    const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 4 }];
    const frame = encodeResponse(ApiVersions, 4, 3, { errorCode: 0, apiKeys });
    expect(frame.toString('hex')).toBe(
      '00000013' + '00000003' + '0000' + '02' + '001200000004' + '00' + '00000000' + '00',
    );
    expect(decodeResponse(ApiVersions, 4, frame.subarray(4)).response.apiKeys).toEqual(apiKeys);
  });

  it('of any other flexible version has header v1', () => {
    const frame = encodeResponse(ControlledShutdown, 3, 3, { errorCode: 0, remainingPartitions: [] });
    expect(frame.toString('hex')).toBe('00000009' + '00000003' + '00' + '0000' + '01' + '00');
    expect(decodeResponse(ControlledShutdown, 3, frame.subarray(4))).toEqual({
      correlationId: 3,
      response: { errorCode: 0, remainingPartitions: [] },
    });
  });

  it('takes records where they lie, into a buffer that is large enough at once', () => {
    let target: Buffer | null = null;
    const source: RecordsSource = {
      sizeBytes: 300_000,
      copyInto: (buffer, offset) => {
        target = buffer;
        buffer.fill(7, offset, offset + 300_000);
      },
    };
    const partitions = [
      { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records: source },
    ];
    const frame = encodeResponse(Fetch, 13, 1, { errorCode: 0, responses: [{ topicId: TOPIC_ID, partitions }] });
    expect((target as Buffer | null)?.buffer === frame.buffer).toBe(true);
    const { response } = decodeResponse(Fetch, 13, frame.subarray(4));
    expect(response.responses[0]?.partitions[0]?.records?.equals(Buffer.alloc(300_000, 7))).toBe(true);
  });

  it('stays in the buffer that it was given, or leaves it when it is too small', () => {
    const response = { errorCode: 0, responses: [] };
    const roomy = Buffer.alloc(64);
    expect(encodeResponse(Fetch, 13, 1, response, roomy).buffer === roomy.buffer).toBe(true);
    const tight = Buffer.allocUnsafeSlow(4);
    const frame = encodeResponse(Fetch, 13, 1, response, tight);
    expect(frame.buffer === tight.buffer).toBe(false);
    expect(decodeResponse(Fetch, 13, frame.subarray(4)).response.responses).toEqual([]);
  });
});
