/**
 * The producer snapshots of one partition's directory. A snapshot spares replaying the log from its start; it is never
 * needed for correctness, so a damaged one is removed and an older one taken.
 */
import * as path from 'node:path';
import type { Disk } from '../lib/disk.ts';
import type { ProducerEntry } from './producer-entry.ts';
import { CorruptSnapshotError, decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts';
import { segmentFileName } from './segment-names.ts';

export class ProducerSnapshots {
  readonly #disk: Disk;
  #directory: string;
  /** Ascending. */
  #offsets: number[];
  /** Written but not synced. */
  readonly #unsynced = new Set<number>();

  constructor(disk: Disk, directory: string, offsets: readonly number[]) {
    this.#disk = disk;
    this.#directory = directory;
    this.#offsets = [...offsets].sort((a, b) => a - b);
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }

  /** -1 when there is none. */
  get latestOffset(): number {
    return this.#offsets.at(-1) ?? -1;
  }

  onDirectoryRenamed(directory: string): void {
    this.#directory = directory;
  }

  /** Writes what is known of the producers up to the offset, unless the latest snapshot is as new. Returns whether. */
  write(producers: ReadonlyMap<number, ProducerEntry>, offset: number): boolean {
    if (offset <= this.latestOffset) return false;
    this.#disk.writeFile(this.#path(offset), encodeSnapshot(producers));
    this.#offsets.push(offset);
    this.#unsynced.add(offset);
    return true;
  }

  /** The latest snapshot that can be read, not above the offset. Damaged ones are removed on the way. */
  readLatest(maxOffset: number): { offset: number; entries: ProducerEntry[] } | null {
    for (const offset of this.#offsets.filter((each) => each <= maxOffset).reverse()) {
      try {
        return { offset, entries: decodeSnapshot(this.#disk.readFile(this.#path(offset))) };
      } catch (error) {
        if (!(error instanceof CorruptSnapshotError)) throw error;
        this.#remove((each) => each === offset);
      }
    }
    return null;
  }

  removeAbove(offset: number): void {
    this.#remove((each) => each > offset);
  }

  removeBelow(offset: number): void {
    this.#remove((each) => each < offset);
  }

  keepOnly(isKept: (offset: number) => boolean): void {
    this.#remove((each) => !isKept(each));
  }

  removeAll(): void {
    this.#remove(() => true);
  }

  async sync(): Promise<void> {
    const offsets = [...this.#unsynced];
    this.#unsynced.clear();
    for (const offset of offsets) {
      if (!this.#offsets.includes(offset)) continue;
      try {
        await this.#disk.whenSynced(this.#path(offset));
      } catch (error) {
        // Removed meanwhile: then it need not be durable either.
        if (this.#offsets.includes(offset)) throw error;
      }
    }
  }

  #remove(isGone: (offset: number) => boolean): void {
    for (const offset of this.#offsets.filter(isGone)) {
      this.#disk.remove(this.#path(offset));
      this.#unsynced.delete(offset);
    }
    this.#offsets = this.#offsets.filter((offset) => !isGone(offset));
  }

  #path(offset: number): string {
    return path.join(this.#directory, segmentFileName(offset, 'snapshot'));
  }
}
