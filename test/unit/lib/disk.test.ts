/** What every disk has to do alike: the real one, and the one that tests let lose power. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Disk, NodeDisk } from '../../../src/lib/disk.ts';
import { CrashDisk } from '../../support/crash-disk.ts';

const temporary = mkdtempSync(path.join(tmpdir(), 'barnabas-disk-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
let count = 0;

function freshDirectory(disk: Disk): string {
  const directory = path.join(temporary, String(count++));
  disk.makeDirectory(directory);
  return directory;
}

const text = (disk: Disk, file: string): string => disk.readFile(file).toString('utf8');

describe.each<[string, () => Disk]>([
  ['the real disk', () => new NodeDisk()],
  ['the disk of tests', () => new CrashDisk()],
])('%s', (_, makeDisk) => {
  const disk = makeDisk();

  it('appends, reads and cuts', async () => {
    const directory = freshDirectory(disk);
    const file = disk.open(`${directory}/f`, { create: true });
    file.append(Buffer.from('hello '));
    file.append(Buffer.from('world'));
    expect(file.sizeBytes).toBe(11);
    const target = Buffer.alloc(8, '.');
    expect(file.readInto(target, 2, 6, 6)).toBe(5);
    expect(target.toString()).toBe('..world.');
    expect((await file.read(3, 5)).toString()).toBe('lo wo');
    expect((await file.read(9, 50)).toString()).toBe('ld');
    expect((await file.read(50, 5)).length).toBe(0);
    file.truncate(5);
    file.append(Buffer.from('!'));
    file.writeAt(0, Buffer.from('J'));
    await file.sync();
    file.syncNow();
    file.close();
    expect([text(disk, `${directory}/f`), disk.sizeOf(`${directory}/f`)]).toEqual(['Jello!', 6]);
    const again = disk.open(`${directory}/f`);
    expect(again.sizeBytes).toBe(6);
    again.close();
  });

  it('writes, replaces, renames and removes whole files', async () => {
    const directory = freshDirectory(disk);
    disk.writeFile(`${directory}/a`, 'one');
    disk.replaceFile(`${directory}/a`, 'two');
    await disk.whenWritten(`${directory}/b`, Buffer.from('three'));
    await disk.whenSynced(`${directory}/b`);
    await disk.whenSynced(directory);
    disk.rename(`${directory}/b`, `${directory}/c`);
    disk.syncDirectory(directory);
    expect((await disk.whenRead(`${directory}/c`)).toString()).toBe('three');
    expect(disk.list(directory).sort((x, y) => (x.name < y.name ? -1 : 1))).toEqual([
      { name: 'a', isDirectory: false },
      { name: 'c', isDirectory: false },
    ]);
    disk.rename(`${directory}/c`, `${directory}/a`);
    expect([text(disk, `${directory}/a`), disk.exists(`${directory}/c`)]).toEqual(['three', false]);
    disk.remove(`${directory}/a`);
    disk.remove(`${directory}/a`);
    expect(disk.list(directory)).toEqual([]);
  });

  it('removes a directory with all that is in it', async () => {
    const directory = freshDirectory(disk);
    disk.makeDirectory(`${directory}/x/y`);
    disk.writeFile(`${directory}/x/y/f`, '');
    await disk.removeDirectory(`${directory}/x`);
    await disk.removeDirectory(`${directory}/x`);
    expect(disk.list(directory)).toEqual([]);
  });

  it('says that a file is missing', async () => {
    const directory = freshDirectory(disk);
    const missing = { code: 'ENOENT' };
    expect(() => disk.open(`${directory}/none`)).toThrow(expect.objectContaining(missing));
    expect(() => disk.readFile(`${directory}/none`)).toThrow(expect.objectContaining(missing));
    expect(() => disk.rename(`${directory}/none`, `${directory}/other`)).toThrow(expect.objectContaining(missing));
    expect(() => disk.list(`${directory}/none`)).toThrow(expect.objectContaining(missing));
    expect(() => disk.sizeOf(`${directory}/none`)).toThrow(expect.objectContaining(missing));
    await expect(disk.whenRead(`${directory}/none`)).rejects.toMatchObject(missing);
    await expect(disk.whenSynced(`${directory}/none`)).rejects.toMatchObject(missing);
  });

  it('gives a lock to one at a time', () => {
    const directory = freshDirectory(disk);
    const lock = disk.lock(`${directory}/.lock`);
    expect(lock).not.toBeNull();
    lock!.release();
    disk.lock(`${directory}/.lock`)!.release();
  });
});

describe('a directory on the real disk', () => {
  it('that cannot be made is an error, also where the system says that a parent is missing and it is not', () => {
    expect(() => new NodeDisk().makeDirectory('/proc/barnabas/logs')).toThrow(/^E[A-Z]+:/);
  });
});

describe('the lock of the real disk', () => {
  it('is taken over from a process that is gone, or that never wrote its id', () => {
    const disk = new NodeDisk();
    const directory = freshDirectory(disk);
    for (const left of ['', '999999999', 'not a number']) {
      disk.writeFile(`${directory}/.lock`, left);
      disk.lock(`${directory}/.lock`)!.release();
    }
  });

  it('is refused while a living process of Node has it, and free when that is killed', async () => {
    const disk = new NodeDisk();
    const directory = freshDirectory(disk);
    const holder = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(holder, 'spawn');
    disk.writeFile(`${directory}/.lock`, String(holder.pid));
    expect(disk.lock(`${directory}/.lock`)).toBeNull();
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    disk.lock(`${directory}/.lock`)!.release();
  });
});
