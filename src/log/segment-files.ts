/** The files of one segment on disk: made, renamed and removed together. */
import * as path from 'node:path';
import type { Disk } from '../lib/disk.ts';
import { type SegmentFileKind, type SegmentFileMark, segmentFileName } from './segment-names.ts';
import { ABORTED_TXN_SIZE_BYTES, type AbortedTxn, decodeAbortedTxns, encodeAbortedTxn } from './transaction-index.ts';

const KINDS = ['log', 'index', 'timeindex', 'txnindex'] as const satisfies SegmentFileKind[];
type Kind = (typeof KINDS)[number];

export class SegmentFiles {
  readonly baseOffset: number;
  readonly #disk: Disk;
  #directory: string;
  #mark: SegmentFileMark;

  constructor(disk: Disk, directory: string, baseOffset: number, mark: SegmentFileMark = '') {
    this.#disk = disk;
    this.#directory = directory;
    this.baseOffset = baseOffset;
    this.#mark = mark;
  }

  get mark(): SegmentFileMark {
    return this.#mark;
  }

  path(kind: Kind): string {
    return path.join(this.#directory, segmentFileName(this.baseOffset, kind, this.#mark));
  }

  exists(kind: Kind): boolean {
    return this.#disk.exists(this.path(kind));
  }

  /** Makes the files anew, empty. Whatever had their names belonged to a segment that was given up. */
  create(): void {
    for (const kind of KINDS) {
      if (kind === 'txnindex') this.#disk.remove(this.path(kind));
      else this.#disk.writeFile(this.path(kind), '');
    }
  }

  /** Cuts the file at the position and appends the bytes. */
  appendAt(kind: Kind, position: number, bytes: Buffer): void {
    const file = this.#disk.open(this.path(kind), { create: true });
    try {
      if (file.sizeBytes > position) file.truncate(position);
      if (bytes.length > 0) file.append(bytes);
    } finally {
      file.close();
    }
  }

  async syncIndexes(): Promise<void> {
    const kinds = KINDS.filter((kind) => kind !== 'log' && this.exists(kind));
    await Promise.all(kinds.map((kind) => this.#disk.whenSynced(this.path(kind))));
  }

  /** The aborted transactions of the segment; null when the file is damaged. */
  readTransactions(): AbortedTxn[] | null {
    if (!this.exists('txnindex')) return [];
    return decodeAbortedTxns(this.#disk.readFile(this.path('txnindex')), this.baseOffset);
  }

  appendTransaction(txn: AbortedTxn): void {
    const position = this.exists('txnindex') ? this.#disk.sizeOf(this.path('txnindex')) : 0;
    this.appendAt('txnindex', position - (position % ABORTED_TXN_SIZE_BYTES), encodeAbortedTxn(txn));
  }

  /** Forgets the transactions that ended at or behind the offset. */
  truncateTransactions(offset: number): void {
    const txns = this.readTransactions() ?? [];
    const kept = txns.filter((txn) => txn.lastOffset < offset);
    if (kept.length < txns.length) this.appendAt('txnindex', kept.length * ABORTED_TXN_SIZE_BYTES, Buffer.alloc(0));
  }

  removeTransactions(): void {
    this.#disk.remove(this.path('txnindex'));
  }

  /** Gives all files the mark, `.deleted` for one that leaves the log. */
  rename(mark: SegmentFileMark): void {
    const before = KINDS.filter((kind) => this.exists(kind)).map((kind) => ({ kind, name: this.path(kind) }));
    this.#mark = mark;
    for (const { kind, name } of before) this.#disk.rename(name, this.path(kind));
  }

  /** The directory that holds the files has another name now. */
  onDirectoryRenamed(directory: string): void {
    this.#directory = directory;
  }

  remove(): void {
    for (const kind of KINDS) this.#disk.remove(this.path(kind));
  }

  /** The same, beside the event loop. */
  async whenRemoved(): Promise<void> {
    for (const kind of KINDS) await this.#disk.whenRemoved(this.path(kind));
  }
}
