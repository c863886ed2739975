/**
 * A disk in memory that can lose power. It remembers what was synced; crash() gives the disk that one would find
 * afterwards:
 *
 * - synced bytes of a file are there; of the others any 512-byte sector may be there or not, and the file may be
 *   shorter;
 * - names made, renamed or removed since their directory was synced may be there or not, per directory in the order in
 *   which that was done;
 * - a truncation that was not synced may be undone.
 *
 * It also injects faults: `fault` is asked before every operation. A write that fails may have written a part. The old
 * disk is dead after a crash: what still runs on it fails or never ends.
 */
import type { Disk, DirectoryEntry, DiskFile, DiskLock } from '../../src/lib/disk.ts';

const SECTOR_SIZE_BYTES = 512;

export type DiskOperation = 'open' | 'append' | 'read' | 'truncate' | 'sync' | 'rename' | 'remove' | 'list' | 'write';

/** What the system would say. */
export function diskError(code: 'EIO' | 'ENOSPC' | 'ENOENT' | 'EBADF', syscall: string, path = ''): Error {
  return Object.assign(new Error(`${code}: injected, ${syscall} '${path}'`), { code, syscall, path });
}

class FileNode {
  current = Buffer.alloc(0);
  length = 0;
  durable: Buffer = Buffer.alloc(0);

  bytes(): Buffer {
    return this.current.subarray(0, this.length);
  }

  writeAt(position: number, bytes: Buffer): void {
    const end = position + bytes.length;
    if (end > this.current.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.current.length, 1024));
      this.current.copy(larger, 0, 0, this.length);
      this.current = larger;
    }
    bytes.copy(this.current, position);
    this.length = Math.max(this.length, end);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes > this.length) this.writeAt(this.length, Buffer.alloc(sizeBytes - this.length));
    this.current.fill(0, sizeBytes, this.length);
    this.length = sizeBytes;
  }

  /** What a power loss leaves. */
  survivor(int: (bound: number) => number): FileNode {
    const now = this.bytes();
    const node = new FileNode();
    const [low, high] = [Math.min(now.length, this.durable.length), Math.max(now.length, this.durable.length)];
    // A file system writes the size down at some time of its own.
    const size =
      now.length >= this.durable.length ? low + int(high - low + 1) : [now.length, this.durable.length][int(2)]!;
    const left = Buffer.alloc(size);
    for (let at = 0; at < size; at += SECTOR_SIZE_BYTES) {
      const source = int(2) === 0 ? now : this.durable;
      if (at < source.length) source.copy(left, at, at, Math.min(at + SECTOR_SIZE_BYTES, size));
    }
    const unchanged = commonPrefix(now, this.durable);
    this.durable.copy(left, 0, 0, Math.min(unchanged, size));
    node.writeAt(0, left);
    node.durable = Buffer.from(left);
    return node;
  }
}

function commonPrefix(a: Buffer, b: Buffer): number {
  const end = Math.min(a.length, b.length);
  if (a.subarray(0, end).equals(b.subarray(0, end))) return end;
  let at = 0;
  while (at < end && a[at] === b[at]) at++;
  return at;
}

type Node = FileNode | DirectoryNode;
/** Names that change together: null removes. */
type NameChange = ReadonlyMap<string, Node | null>;

class DirectoryNode {
  readonly entries = new Map<string, Node>();
  durableEntries = new Map<string, Node>();
  pending: NameChange[] = [];

  change(names: NameChange): void {
    apply(this.entries, names);
    this.pending.push(names);
  }

  sync(): void {
    this.durableEntries = new Map(this.entries);
    this.pending = [];
  }

  survivor(int: (bound: number) => number): DirectoryNode {
    const left = new Map(this.durableEntries);
    for (const names of this.pending.slice(0, int(this.pending.length + 1))) apply(left, names);
    const node = new DirectoryNode();
    for (const [name, child] of left) node.entries.set(name, child.survivor(int));
    node.sync();
    return node;
  }
}

function apply(entries: Map<string, Node>, names: NameChange): void {
  for (const [name, node] of names) {
    if (node === null) entries.delete(name);
    else entries.set(name, node);
  }
}

export class CrashDisk implements Disk {
  #root = new DirectoryNode();
  #isDead = false;
  /** Held by a process, so they go with it. */
  readonly #locks = new Set<string>();
  /** Asked before every operation; an error that it returns is thrown. */
  fault: (operation: DiskOperation, path: string) => Error | null = () => null;
  /** How many operations there were. */
  operationCount = 0;

  /** The disk as it is found after the power was lost. `int(bound)` decides what survives. */
  crash(int: (bound: number) => number): CrashDisk {
    this.#isDead = true;
    const disk = new CrashDisk();
    disk.#root = this.#root.survivor(int);
    return disk;
  }

  /** The disk after the process alone was killed: nothing that was written is lost, nothing more is synced than was. */
  kill(): CrashDisk {
    this.#isDead = true;
    const disk = new CrashDisk();
    disk.#root = this.#root;
    return disk;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Throws what a fault demands; on a dead disk everything fails. */
  check(operation: DiskOperation, filePath: string): void {
    if (this.#isDead) throw diskError('EBADF', operation, filePath);
    this.operationCount++;
    const error = this.fault(operation, filePath);
    if (error !== null) throw error;
  }

  open(filePath: string, options: { create?: boolean } = {}): DiskFile {
    this.check('open', filePath);
    const { directory, name } = this.#parent(filePath, 'open');
    let node = directory.entries.get(name);
    if (node === undefined && options.create === true) {
      node = new FileNode();
      directory.change(new Map([[name, node]]));
    }
    if (!(node instanceof FileNode)) throw diskError('ENOENT', 'open', filePath);
    return new CrashFile(this, filePath, node);
  }

  exists(filePath: string): boolean {
    return this.#find(filePath) !== undefined;
  }

  makeDirectory(directory: string): void {
    this.check('open', directory);
    let node = this.#root;
    for (const part of parts(directory)) {
      let next = node.entries.get(part);
      if (next === undefined) {
        next = new DirectoryNode();
        node.change(new Map([[part, next]]));
      }
      if (!(next instanceof DirectoryNode)) throw diskError('ENOENT', 'mkdir', directory);
      node = next;
    }
  }

  list(directory: string): DirectoryEntry[] {
    this.check('list', directory);
    const entries = [...this.#directory(directory, 'scandir').entries];
    return entries.map(([name, node]) => ({ name, isDirectory: node instanceof DirectoryNode }));
  }

  readFile(filePath: string): Buffer {
    this.check('read', filePath);
    return Buffer.from(this.#file(filePath).bytes());
  }

  async whenRead(filePath: string): Promise<Buffer> {
    await this.pause();
    return this.readFile(filePath);
  }

  writeFile(filePath: string, content: Buffer | string): void {
    this.check('write', filePath);
    const file = this.open(filePath, { create: true });
    file.truncate(0);
    if (content.length > 0) file.append(Buffer.from(content));
  }

  async whenWritten(filePath: string, content: Buffer | string): Promise<void> {
    await this.pause();
    this.writeFile(filePath, content);
    await this.whenSynced(filePath);
  }

  async whenSynced(filePath: string): Promise<void> {
    const node = this.#find(filePath);
    if (node === undefined) throw diskError('ENOENT', 'open', filePath);
    if (node instanceof DirectoryNode) {
      await this.pause();
      this.check('sync', filePath);
      node.sync();
    } else await new CrashFile(this, filePath, node).sync();
  }

  replaceFile(filePath: string, content: Buffer | string): void {
    const aside = `${filePath}.tmp`;
    this.writeFile(aside, content);
    new CrashFile(this, aside, this.#file(aside)).syncNow();
    this.rename(aside, filePath);
    this.syncDirectory(filePath.slice(0, filePath.lastIndexOf('/')));
  }

  rename(from: string, to: string): void {
    this.check('rename', from);
    const source = this.#parent(from, 'rename');
    const target = this.#parent(to, 'rename');
    const node = source.directory.entries.get(source.name);
    if (node === undefined) throw diskError('ENOENT', 'rename', from);
    if (source.directory !== target.directory) throw new Error('this disk renames within a directory only');
    source.directory.change(
      new Map<string, Node | null>([
        [source.name, null],
        [target.name, node],
      ]),
    );
  }

  remove(filePath: string): void {
    this.check('remove', filePath);
    const { directory, name } = this.#parent(filePath, 'unlink');
    if (directory.entries.has(name)) directory.change(new Map([[name, null]]));
  }

  async whenRemoved(filePath: string): Promise<void> {
    await this.pause();
    this.remove(filePath);
  }

  async removeDirectory(directory: string): Promise<void> {
    await this.pause();
    this.remove(directory);
  }

  syncDirectory(directory: string): void {
    this.check('sync', directory);
    this.#directory(directory, 'open').sync();
  }

  lastModifiedMs(): number {
    return 0;
  }

  setLastModified(filePath: string): void {
    this.check('write', filePath);
    this.#file(filePath);
  }

  sizeOf(filePath: string): number {
    return this.#file(filePath).length;
  }

  lock(filePath: string): DiskLock | null {
    if (this.#locks.has(filePath)) return null;
    this.#locks.add(filePath);
    return { release: () => this.#locks.delete(filePath) };
  }

  space(): { totalBytes: number; usableBytes: number } {
    return { totalBytes: 1e12, usableBytes: 1e12 };
  }

  /** A hop to the thread pool and back. Never ends on a dead disk. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.#isDead) await new Promise<never>(() => undefined);
  }

  #find(filePath: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const part of parts(filePath)) node = node instanceof DirectoryNode ? node.entries.get(part) : undefined;
    return node;
  }

  #file(filePath: string): FileNode {
    const node = this.#find(filePath);
    if (!(node instanceof FileNode)) throw diskError('ENOENT', 'open', filePath);
    return node;
  }

  #directory(filePath: string, syscall: string): DirectoryNode {
    const node = this.#find(filePath);
    if (!(node instanceof DirectoryNode)) throw diskError('ENOENT', syscall, filePath);
    return node;
  }

  #parent(filePath: string, syscall: string): { directory: DirectoryNode; name: string } {
    const slash = filePath.lastIndexOf('/');
    return { directory: this.#directory(filePath.slice(0, slash), syscall), name: filePath.slice(slash + 1) };
  }
}

function parts(filePath: string): string[] {
  return filePath.split('/').filter((part) => part !== '');
}

class CrashFile implements DiskFile {
  readonly path: string;
  readonly #disk: CrashDisk;
  readonly #node: FileNode;

  constructor(disk: CrashDisk, filePath: string, node: FileNode) {
    this.#disk = disk;
    this.path = filePath;
    this.#node = node;
  }

  get sizeBytes(): number {
    return this.#node.length;
  }

  append(bytes: Buffer): void {
    try {
      this.#disk.check('append', this.path);
    } catch (error) {
      // The disk was full after a part of it, or failed in the middle.
      if (!this.#disk.isDead) this.#node.writeAt(this.#node.length, bytes.subarray(0, bytes.length >> 1));
      throw error;
    }
    this.#node.writeAt(this.#node.length, bytes);
  }

  writeAt(position: number, bytes: Buffer): void {
    this.#disk.check('append', this.path);
    this.#node.writeAt(position, bytes);
  }

  readInto(target: Buffer, targetOffset: number, position: number, length: number): number {
    this.#disk.check('read', this.path);
    return this.#node.bytes().copy(target, targetOffset, position, position + length);
  }

  async read(position: number, length: number): Promise<Buffer> {
    await this.#disk.pause();
    this.#disk.check('read', this.path);
    return Buffer.from(this.#node.bytes().subarray(position, position + length));
  }

  truncate(sizeBytes: number): void {
    this.#disk.check('truncate', this.path);
    this.#node.truncate(sizeBytes);
  }

  async sync(): Promise<void> {
    const captured = Buffer.from(this.#node.bytes());
    await this.#disk.pause();
    this.#disk.check('sync', this.path);
    this.#node.durable = captured;
  }

  syncNow(): void {
    this.#disk.check('sync', this.path);
    this.#node.durable = Buffer.from(this.#node.bytes());
  }

  close(): void {
    // Nothing is held.
  }
}
