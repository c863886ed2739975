/**
 * @pure The aborted transactions of a segment as Kafka's `.txnindex` file (TransactionIndex, AbortedTxn version 0,
 * big-endian): 34 bytes each: int16 version, int64 producer id, int64 first offset, int64 last offset (the marker's),
 * int64 last stable offset after it. A read_committed consumer drops what they name. Last offsets strictly grow. The
 * file exists only when a segment has any.
 */
const VERSION = 0;
export const ABORTED_TXN_SIZE_BYTES = 34;

export interface AbortedTxn {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
}

export function encodeAbortedTxn(txn: AbortedTxn): Buffer {
  const bytes = Buffer.allocUnsafe(ABORTED_TXN_SIZE_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeBigInt64BE(BigInt(txn.producerId), 2);
  bytes.writeBigInt64BE(BigInt(txn.firstOffset), 10);
  bytes.writeBigInt64BE(BigInt(txn.lastOffset), 18);
  bytes.writeBigInt64BE(BigInt(txn.lastStableOffset), 26);
  return bytes;
}

/** Null when the bytes are not such a file for a segment with this base offset: it has to be rebuilt. */
export function decodeAbortedTxns(bytes: Buffer, baseOffset: number): AbortedTxn[] | null {
  if (bytes.length % ABORTED_TXN_SIZE_BYTES !== 0) return null;
  const txns: AbortedTxn[] = [];
  let lastOffset = baseOffset - 1;
  for (let at = 0; at < bytes.length; at += ABORTED_TXN_SIZE_BYTES) {
    const txn = {
      producerId: Number(bytes.readBigInt64BE(at + 2)),
      firstOffset: Number(bytes.readBigInt64BE(at + 10)),
      lastOffset: Number(bytes.readBigInt64BE(at + 18)),
      lastStableOffset: Number(bytes.readBigInt64BE(at + 26)),
    };
    if (bytes.readInt16BE(at) !== VERSION || txn.lastOffset <= lastOffset) return null;
    lastOffset = txn.lastOffset;
    txns.push(txn);
  }
  return txns;
}
