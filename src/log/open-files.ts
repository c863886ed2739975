/**
 * Files of the log that are opened when they are first used and closed again when too many are open, so that ten
 * thousand partitions at rest hold no descriptor. A file that has bytes to be synced, or on which an operation is under
 * way, stays open: a failed write-back is reported to the descriptor that wrote.
 */
import type { Disk, DiskFile } from '../lib/disk.ts';

/** How many files that could be closed may stay open. */
const DEFAULT_LIMIT = 1000;

export class OpenFiles {
  readonly disk: Disk;
  readonly #limit: number;
  readonly #open: LazyFile[] = [];
  #hand = 0;

  constructor(disk: Disk, limit = DEFAULT_LIMIT) {
    this.disk = disk;
    this.#limit = limit;
  }

  /** Files that are open now. */
  get count(): number {
    return this.#open.length;
  }

  onOpened(file: LazyFile): void {
    if (this.#open.length >= this.#limit) this.#closeOne();
    this.#open.push(file);
  }

  onClosed(file: LazyFile): void {
    const index = this.#open.indexOf(file);
    if (index < 0) return;
    const last = this.#open.pop()!;
    if (index < this.#open.length) this.#open[index] = last;
  }

  /**
   * Second chance: the hand goes round, takes the mark from files used since its last visit and closes the first
   * without one.
   */
  #closeOne(): void {
    for (let steps = 2 * this.#open.length; steps > 0; steps--) {
      this.#hand = (this.#hand + 1) % this.#open.length;
      const file = this.#open[this.#hand]!;
      if (file.isBusy) continue;
      if (!file.wasUsed) {
        file.close();
        return;
      }
      file.wasUsed = false;
    }
  }
}

export class LazyFile {
  readonly #files: OpenFiles;
  #path: string;
  #sizeBytes: number;
  #file: DiskFile | null = null;
  /** Operations under way that need the descriptor. */
  #pins = 0;
  #isToBeClosed = false;
  /** Bytes were written that no sync has covered. */
  isDirty = false;
  wasUsed = false;

  /** A file that exists with that size. */
  constructor(files: OpenFiles, filePath: string, sizeBytes: number) {
    this.#files = files;
    this.#path = filePath;
    this.#sizeBytes = sizeBytes;
  }

  get path(): string {
    return this.#path;
  }

  get sizeBytes(): number {
    return this.#file === null ? this.#sizeBytes : this.#file.sizeBytes;
  }

  get isBusy(): boolean {
    return this.isDirty || this.#pins > 0;
  }

  /** The open file. Use it at once: it may be closed when another one is opened. */
  use(): DiskFile {
    this.wasUsed = true;
    if (this.#file === null) {
      this.#file = this.#files.disk.open(this.#path);
      this.#files.onOpened(this);
    }
    return this.#file;
  }

  append(bytes: Buffer): void {
    this.isDirty = true;
    this.use().append(bytes);
  }

  truncate(sizeBytes: number): void {
    this.isDirty = true;
    this.use().truncate(sizeBytes);
  }

  async read(position: number, length: number): Promise<Buffer> {
    return this.#pinned((file) => file.read(position, length));
  }

  /** Makes durable what is in the file now. */
  async sync(): Promise<void> {
    if (!this.isDirty) return;
    // Cleared first: what is written while the sync is under way needs another one.
    this.isDirty = false;
    await this.#pinned((file) => file.sync());
  }

  /** The file has another name now; an open descriptor goes with it. */
  onRenamed(filePath: string): void {
    this.#path = filePath;
  }

  /** Closes the descriptor, as soon as nothing uses it. */
  close(): void {
    const file = this.#file;
    if (file === null) return;
    this.#isToBeClosed = this.#pins > 0;
    if (this.#isToBeClosed) return;
    this.#sizeBytes = file.sizeBytes;
    this.#file = null;
    this.#files.onClosed(this);
    file.close();
  }

  async #pinned<T>(operation: (file: DiskFile) => Promise<T>): Promise<T> {
    const file = this.use();
    this.#pins++;
    try {
      return await operation(file);
    } finally {
      this.#pins--;
      if (this.#pins === 0 && this.#isToBeClosed) this.close();
    }
  }
}
