/**
 * @pure CRC-32C (Castagnoli), the checksum of record batches: native for what is large, eight bytes a step for the
 * rest.
 */
import { crc32c as nativeCrc32c } from '@node-rs/crc32';

/** Below this the call into native code costs more than it saves (measured: about 250 bytes). */
const NATIVE_MINIMUM_BYTES = 256;
/** The polynomial 0x1EDC6F41, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

/** TABLES[k * 256 + b]: what byte b contributes when k more bytes follow it in the same step. */
const TABLES = slicingTables();

function slicingTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const previous = tables[i - 256] as number;
    tables[i] = (previous >>> 8) ^ (tables[previous & 0xff] as number);
  }
  return tables;
}

/** The checksum of buffer[start, end) as an unsigned int32. */
export function crc32c(buffer: Buffer, start = 0, end = buffer.length): number {
  if (end - start >= NATIVE_MINIMUM_BYTES) return nativeCrc32c(buffer.subarray(start, end));
  return slicedCrc32c(buffer, start, end);
}

/** The same in JavaScript alone. */
export function slicedCrc32c(buffer: Buffer, start: number, end: number): number {
  const t = TABLES;
  const b = buffer;
  let crc = -1;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24));
    crc =
      t[1792 + (low & 0xff)]! ^
      t[1536 + ((low >>> 8) & 0xff)]! ^
      t[1280 + ((low >>> 16) & 0xff)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + b[at + 4]!]! ^
      t[512 + b[at + 5]!]! ^
      t[256 + b[at + 6]!]! ^
      t[b[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ b[at]!) & 0xff]!;
  return ~crc >>> 0;
}
