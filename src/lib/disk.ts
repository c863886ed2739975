/**
 * The disk as a guest: every file of the broker goes through this door, and this is the only file that imports node:fs.
 *
 * Hot operations are synchronous on purpose: a thread-pool hop costs more than an append or a read from the page cache.
 * Whatever may wait for the device (sync, cold reads, deleting large files) is asynchronous.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface DiskFile {
  readonly path: string;
  /** Bytes in the file, kept in memory; appending and truncating move it. */
  readonly sizeBytes: number;
  /** Writes all of the bytes at the end of the file. On an error the file may have grown by a part of them. */
  append(bytes: Buffer): void;
  writeAt(position: number, bytes: Buffer): void;
  /**
   * Reads up to `length` bytes into the target and returns how many there were; less than asked only at the end of the
   * file.
   */
  readInto(target: Buffer, targetOffset: number, position: number, length: number): number;
  /** The same on the thread pool, for bytes that may not be in the page cache. */
  read(position: number, length: number): Promise<Buffer>;
  truncate(sizeBytes: number): void;
  /** fdatasync on the thread pool. */
  sync(): Promise<void>;
  syncNow(): void;
  close(): void;
}

export interface DirectoryEntry {
  name: string;
  isDirectory: boolean;
}

export interface Disk {
  /** Opens for reading and writing. `create` makes the file when it is missing; else a missing file throws ENOENT. */
  open(filePath: string, options?: { create?: boolean }): DiskFile;
  exists(filePath: string): boolean;
  makeDirectory(directory: string): void;
  list(directory: string): DirectoryEntry[];
  readFile(filePath: string): Buffer;
  /** The same on the thread pool. */
  whenRead(filePath: string): Promise<Buffer>;
  /** Writes the file anew. A crash may leave any part of it: for content that is checked or made again. */
  writeFile(filePath: string, content: Buffer | string): void;
  /** The same and synced, on the thread pool; the name itself is durable only when its directory is synced. */
  whenWritten(filePath: string, content: Buffer | string): Promise<void>;
  /** Opens the file or directory, syncs it and closes it again, on the thread pool. */
  whenSynced(filePath: string): Promise<void>;
  /**
   * Replaces the file so that after a crash either the old or the new content is there: write aside, sync, rename, sync
   * the directory.
   */
  replaceFile(filePath: string, content: Buffer | string): void;
  rename(from: string, to: string): void;
  remove(filePath: string): void;
  /** The same on the thread pool: giving back the blocks of a large file takes its time. */
  whenRemoved(filePath: string): Promise<void>;
  removeDirectory(directory: string): Promise<void>;
  syncDirectory(directory: string): void;
  lastModifiedMs(filePath: string): number;
  /** For a file that takes the place of another one and is to seem as old. */
  setLastModified(filePath: string, timeMs: number): void;
  sizeOf(filePath: string): number;
  /** Takes the directory for this process alone; returns false when another living process holds it. */
  lock(filePath: string): DiskLock | null;
  /** Size of the file system that holds the directory, in bytes. */
  space(directory: string): { totalBytes: number; usableBytes: number };
}

export interface DiskLock {
  release(): void;
}

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  #sizeBytes: number;

  constructor(filePath: string, fd: number, sizeBytes: number) {
    this.path = filePath;
    this.#fd = fd;
    this.#sizeBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(bytes: Buffer): void {
    this.writeAt(this.#sizeBytes, bytes);
  }

  writeAt(position: number, bytes: Buffer): void {
    let written = 0;
    while (written < bytes.length)
      written += fs.writeSync(this.#fd, bytes, written, bytes.length - written, position + written);
    this.#sizeBytes = Math.max(this.#sizeBytes, position + bytes.length);
  }

  readInto(target: Buffer, targetOffset: number, position: number, length: number): number {
    let total = 0;
    while (total < length) {
      const count = fs.readSync(this.#fd, target, targetOffset + total, length - total, position + total);
      if (count === 0) break;
      total += count;
    }
    return total;
  }

  read(position: number, length: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const target = Buffer.allocUnsafe(length);
      const step = (total: number): void => {
        fs.read(this.#fd, target, total, length - total, position + total, (error, count) => {
          if (error !== null) reject(error);
          else if (count === 0 || total + count === length) resolve(target.subarray(0, total + count));
          else step(total + count);
        });
      };
      step(0);
    });
  }

  truncate(sizeBytes: number): void {
    fs.ftruncateSync(this.#fd, sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  syncNow(): void {
    fs.fdatasyncSync(this.#fd);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

export class NodeDisk implements Disk {
  open(filePath: string, options: { create?: boolean } = {}): DiskFile {
    const flags = fs.constants.O_RDWR | (options.create ? fs.constants.O_CREAT : 0);
    const fd = fs.openSync(filePath, flags, 0o644);
    return new NodeFile(filePath, fd, fs.fstatSync(fd).size);
  }

  exists(filePath: string): boolean {
    return fs.existsSync(filePath);
  }

  // Not mkdir's own `recursive`: it runs for ever where a parent exists and yet nothing can be made in it (/proc).
  makeDirectory(directory: string): void {
    if (fs.existsSync(directory)) return;
    const parent = path.dirname(directory);
    if (parent !== directory) this.makeDirectory(parent);
    try {
      fs.mkdirSync(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  list(directory: string): DirectoryEntry[] {
    return fs
      .readdirSync(directory, { withFileTypes: true })
      .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  }

  readFile(filePath: string): Buffer {
    return fs.readFileSync(filePath);
  }

  whenRead(filePath: string): Promise<Buffer> {
    return fs.promises.readFile(filePath);
  }

  writeFile(filePath: string, content: Buffer | string): void {
    fs.writeFileSync(filePath, content);
  }

  async whenWritten(filePath: string, content: Buffer | string): Promise<void> {
    const file = await fs.promises.open(filePath, 'w', 0o644);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async whenSynced(filePath: string): Promise<void> {
    const file = await fs.promises.open(filePath, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  replaceFile(filePath: string, content: Buffer | string): void {
    const aside = `${filePath}.tmp`;
    const fd = fs.openSync(aside, 'w', 0o644);
    try {
      fs.writeFileSync(fd, content);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(aside, filePath);
    this.syncDirectory(path.dirname(filePath));
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to);
  }

  remove(filePath: string): void {
    fs.rmSync(filePath, { force: true });
  }

  whenRemoved(filePath: string): Promise<void> {
    return fs.promises.rm(filePath, { force: true });
  }

  removeDirectory(directory: string): Promise<void> {
    return fs.promises.rm(directory, { recursive: true, force: true });
  }

  syncDirectory(directory: string): void {
    const fd = fs.openSync(directory, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  lastModifiedMs(filePath: string): number {
    return fs.statSync(filePath).mtimeMs;
  }

  setLastModified(filePath: string, timeMs: number): void {
    fs.utimesSync(filePath, timeMs / 1000, timeMs / 1000);
  }

  sizeOf(filePath: string): number {
    return fs.statSync(filePath).size;
  }

  /** The lock file holds the process id; a lock whose process is gone (kill -9) is taken over. */
  lock(filePath: string): DiskLock | null {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        fs.writeFileSync(filePath, String(process.pid), { flag: 'wx' });
        return { release: () => fs.rmSync(filePath, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        if (isAlive(Number(fs.readFileSync(filePath, 'utf8')))) return null;
        fs.rmSync(filePath, { force: true });
      }
    }
    return null;
  }

  space(directory: string): { totalBytes: number; usableBytes: number } {
    const { bsize, blocks, bavail } = fs.statfsSync(directory);
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail };
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    // A process id is reused: only a process that runs a broker counts as the holder of the lock.
    process.kill(pid, 0);
    return !fs.existsSync(`/proc/${pid}/cmdline`) || fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
