/**
 * What keeps files, indexes and searches cheap: bounds on what is open, on what is in memory, and what is remembered
 * of the tail.
 */
import { describe, expect, it } from 'vitest';
import { AppendedBytes, HOT_BYTES, SegmentHeat } from '../../../src/log/heat.ts';
import { IndexCache } from '../../../src/log/index-cache.ts';
import { LazyFile, OpenFiles } from '../../../src/log/open-files.ts';
import { RecentBatches } from '../../../src/log/recent-batches.ts';
import { CrashDisk } from '../../support/crash-disk.ts';

function files(count: number, limit: number): { open: OpenFiles; all: LazyFile[]; disk: CrashDisk } {
  const disk = new CrashDisk();
  disk.makeDirectory('/d');
  const open = new OpenFiles(disk, limit);
  const all = Array.from({ length: count }, (_, index) => {
    disk.writeFile(`/d/${index}`, `content ${index}`);
    return new LazyFile(open, `/d/${index}`, disk.sizeOf(`/d/${index}`));
  });
  return { open, all, disk };
}

describe('files', () => {
  it('are opened when they are used, and only so many stay open', async () => {
    const { open, all } = files(50, 10);
    expect(open.count).toBe(0);
    for (let round = 0; round < 3; round++)
      for (const [index, file] of all.entries()) {
        expect((await file.read(0, 20)).toString()).toBe(`content ${index}`);
        expect(open.count).toBeLessThanOrEqual(10);
      }
  });

  it('stay open while they have unsynced bytes', async () => {
    const { open, all } = files(30, 5);
    for (const file of all) file.append(Buffer.from('x'));
    expect(open.count).toBe(30);
    for (const file of all) await file.sync();
    for (const file of all) file.use();
    for (const file of all) file.close();
    expect([open.count, all[3]!.sizeBytes]).toEqual([0, 'content 3x'.length]);
  });

  it('are closed only when a read of them has ended', async () => {
    const { open, all } = files(1, 5);
    const reading = all[0]!.read(0, 7);
    all[0]!.close();
    expect(open.count).toBe(1);
    expect((await reading).toString()).toBe('content');
    expect(open.count).toBe(0);
  });

  it('keep the ones in use rather than those that are not', () => {
    const { open, all } = files(20, 3);
    const favourite = all[0]!;
    for (const file of all.slice(1)) {
      favourite.use();
      file.use();
    }
    expect(open.count).toBeLessThanOrEqual(3);
  });
});

describe('indexes in memory', () => {
  it('are left to their files again when there are too many, the longest unused first', () => {
    const cache = new IndexCache(100);
    const shrunk: string[] = [];
    const owner = (name: string) => ({ shrinkIndexes: () => void shrunk.push(name) });
    const [a, b, c] = ['a', 'b', 'c'].map(owner);
    cache.onUsed(a!, 40);
    cache.onUsed(b!, 40);
    cache.onUsed(a!, 40);
    cache.onUsed(c!, 40);
    expect(shrunk).toEqual(['b']);
    cache.forget(a!);
    cache.onUsed(b!, 60);
    expect(shrunk).toEqual(['b']);
    cache.onUsed(a!, 500);
    expect(shrunk).toEqual(['b', 'c', 'b']);
  });
});

describe('the ends of recent batches', () => {
  it('are known for the last ones and no others', () => {
    const recent = new RecentBatches();
    expect(recent.positionOf(0)).toBe(-1);
    for (let offset = 1; offset <= 200; offset++) recent.add(3 * offset, 100 * offset);
    expect([recent.positionOf(600), recent.positionOf(450), recent.positionOf(411)]).toEqual([20_000, 15_000, 13_700]);
    expect([recent.positionOf(408), recent.positionOf(451), recent.positionOf(603)]).toEqual([-1, -1, -1]);
    recent.clear();
    expect(recent.positionOf(600)).toBe(-1);
  });
});

describe('heat', () => {
  it('goes when the process has written much more since, and was never in what it found', () => {
    const appended = new AppendedBytes();
    const heat = new SegmentHeat(appended, 1000);
    heat.onAppend(1000, 500);
    expect([heat.isHot(999), heat.isHot(1000), heat.isHot(1499)]).toEqual([false, true, true]);
    appended.total += HOT_BYTES;
    expect(heat.isHot(1000)).toBe(false);
    heat.onAppend(1000 + 40 * 1024 * 1024, 500);
    expect(heat.isHot(1000 + 40 * 1024 * 1024)).toBe(true);
  });
});
