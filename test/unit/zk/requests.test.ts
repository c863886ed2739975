/** Requests as bytes, replies as values. */
import { expect, it } from 'vitest';
import { armedWatch, encodeRequest, failureOfMulti, replyError } from '../../../src/zk/requests.ts';

it('version 0 of a multi goes over the wire as 0', () => {
  const request = encodeRequest({ type: 'multi', operations: [{ type: 'check', path: '/a', version: 0 }] });
  const payload = Buffer.alloc(request.payload?.byteLength() ?? 0);
  (request.payload as unknown as { serialize(buffer: Buffer, offset: number): void }).serialize(payload, 0);
  // Header of the operation (9 bytes), length and text of the path, version.
  expect(payload.readInt32BE(9 + 4 + 2)).toBe(0);
});

it('a request too large for any server is refused before it is sent', () => {
  const data = Buffer.alloc(1_050_000);
  expect(() => encodeRequest({ type: 'set', path: '/a', data, version: 0 })).toThrow('REQUEST_TOO_LARGE for /a');
  expect(() => encodeRequest({ type: 'create', path: '/a', data: data.subarray(0, 1_047_000) })).not.toThrow();
});

it('the operation to blame in a refused multi is the one with a code of its own', () => {
  const results = (...errors: number[]) => ({ error: 0, results: errors.map((error) => ({ error })) });
  expect(failureOfMulti(results(0, 0, 0))).toBeNull();
  expect(failureOfMulti(results())).toBeNull();
  expect(failureOfMulti(results(0, -103, -2))).toEqual({ index: 1, error: -103 });
  expect(failureOfMulti(results(-2, -2, -110, -2))).toEqual({ index: 2, error: -110 });
  expect(failureOfMulti(results(0, -2))).toEqual({ index: 1, error: -2 });
});

it('a server keeps a watch for a read that found something, and for an exists that did not', () => {
  const NO_NODE = -101;
  expect(armedWatch({ type: 'get', path: '/a', watch: true }, 0)).toEqual({ kind: 'data', path: '/a' });
  expect(armedWatch({ type: 'get', path: '/a', watch: true }, NO_NODE)).toBeNull();
  expect(armedWatch({ type: 'exists', path: '/a', watch: true }, 0)).toEqual({ kind: 'data', path: '/a' });
  expect(armedWatch({ type: 'exists', path: '/a', watch: true }, NO_NODE)).toEqual({ kind: 'exist', path: '/a' });
  expect(armedWatch({ type: 'children', path: '/a', watch: true }, 0)).toEqual({ kind: 'child', path: '/a' });
  expect(armedWatch({ type: 'children', path: '/a', watch: false }, 0)).toBeNull();
  expect(armedWatch({ type: 'delete', path: '/a', version: 0 }, 0)).toBeNull();
});

it('every code has a name, unknown ones their number', () => {
  expect(replyError(-103, '/a')).toMatchObject({ code: 'BAD_VERSION', message: 'ZooKeeper error BAD_VERSION for /a' });
  expect(replyError(-118, null)).toMatchObject({ code: 'SESSION_MOVED', message: 'ZooKeeper error SESSION_MOVED' });
  expect(replyError(-999, '/a', 2)).toMatchObject({ code: 'UNKNOWN', failedOperation: 2 });
  expect(replyError(-999, '/a', 2).withoutFirstOperation()).toMatchObject({ code: 'UNKNOWN', failedOperation: 1 });
});
