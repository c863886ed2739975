/**
 * @pure Frames: a length of 4 bytes, a header, a message (Kafka's RequestHeader and ResponseHeader JSON specs).
 *
 * Request header: v0 without clientId (ControlledShutdown v0 alone), v1, and v2 with tagged fields for flexible
 * versions; its clientId is never compact. Response header: v0, and v1 with tagged fields for flexible versions;
 * ApiVersions always answers with v0, since its asker cannot know yet what the broker speaks.
 */
import { Reader } from './reader.ts';
import type { Api, Encodable, Fields, RequestIn, ResponseOf, ResponseOut } from './schema.ts';
import { Writer } from './writer.ts';

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

const CONTROLLED_SHUTDOWN_KEY = 7;
const API_VERSIONS_KEY = 18;
/** Enough for the header and the fixed part of a message whose size lies in its records. */
const OVERHEAD_BYTES = 1024;

/**
 * Reads the header at the reader's offset (after the length) and leaves the reader at the message. For an api that
 * `apiByKey` does not know, and that cannot be answered anyway, the reader stays before a possible tagged section.
 */
export function readRequestHeader(
  reader: Reader,
  apiByKey: (apiKey: number) => Pick<Api, 'isFlexible'> | undefined,
): RequestHeader {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const isVersion0 = apiKey === CONTROLLED_SHUTDOWN_KEY && apiVersion === 0;
  const clientId = isVersion0 ? null : reader.nullableString();
  if (apiByKey(apiKey)?.isFlexible(apiVersion)) reader.skipTags();
  return { apiKey, apiVersion, correlationId, clientId };
}

function hasTaggedResponseHeader(api: Api, version: number): boolean {
  return api.isFlexible(version) && api.key !== API_VERSIONS_KEY;
}

/** The whole frame, its length in front; in `buffer` if that has the room. Record sources are read straight into it. */
export function encodeResponse<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  response: ResponseOf<A>,
  buffer?: Buffer,
): Buffer {
  const codec = api.responseCodec(version);
  // Codecs of "some api" take any message; that this one is of `api` is what this function's type says.
  const message = response as Encodable<Fields>;
  const sizeBytes = codec.recordsSizeBytes(message);
  const writer = new Writer(buffer ?? (sizeBytes > 0 ? Buffer.allocUnsafe(sizeBytes + OVERHEAD_BYTES) : undefined));
  if (sizeBytes > 0) writer.reserve(sizeBytes + OVERHEAD_BYTES);
  writer.int32(0);
  writer.int32(correlationId);
  if (hasTaggedResponseHeader(api, version)) writer.uvarint(0);
  codec.write(writer, message);
  writer.patchInt32(0, writer.position - 4);
  return writer.finish();
}

/** The whole frame, its length in front. */
export function encodeRequest<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  clientId: string | null,
  request: RequestIn<A>,
): Buffer {
  const codec = api.requestCodec(version);
  const message = request as Encodable<Fields>;
  const writer = new Writer();
  const sizeBytes = codec.recordsSizeBytes(message);
  if (sizeBytes > 0) writer.reserve(sizeBytes + OVERHEAD_BYTES);
  writer.int32(0);
  writer.int16(api.key);
  writer.int16(version);
  writer.int32(correlationId);
  if (api.key !== CONTROLLED_SHUTDOWN_KEY || version > 0) writer.nullableString(clientId);
  if (api.isFlexible(version)) writer.uvarint(0);
  codec.write(writer, message);
  writer.patchInt32(0, writer.position - 4);
  return writer.finish();
}

/** `frame` is without its length. Records in the response alias it. */
export function decodeResponse<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
): { correlationId: number; response: ResponseOut<A> } {
  const reader = new Reader(frame);
  const correlationId = reader.int32();
  if (hasTaggedResponseHeader(api, version)) reader.skipTags();
  const response = api.responseCodec(version).read(reader) as ResponseOut<A>;
  return { correlationId, response };
}
