/** What a start makes of a directory in which segments were being replaced or removed. */
import { beforeEach, describe, expect, it } from 'vitest';
import { sweepDirectory } from '../../../src/log/directory-sweep.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { aStoredBatch } from '../../support/logs.ts';

let disk: CrashDisk;

function make(...names: string[]): void {
  for (const name of names) {
    const offset = Number(name.slice(0, 20));
    disk.writeFile(`/d/${name}`, name.includes('.log') ? aStoredBatch(offset, 0, { values: ['a', 'b'] }) : '');
  }
}

function segment(offset: number, mark = ''): string[] {
  return ['log', 'index', 'timeindex'].map((kind) => `${String(offset).padStart(20, '0')}.${kind}${mark}`);
}

function left(): string[] {
  return disk
    .list('/d')
    .map(({ name }) => name)
    .sort();
}

beforeEach(() => {
  disk = new CrashDisk();
  disk.makeDirectory('/d');
});

describe('sweeping a directory', () => {
  it('leaves an ordinary one as it is', () => {
    make(...segment(0), ...segment(10), '00000000000000000010.snapshot', 'leader-epoch-checkpoint');
    expect(sweepDirectory(disk, '/d')).toEqual({ baseOffsets: [0, 10], snapshotOffsets: [10], wasChanged: false });
  });

  it('removes what was deleted, and what was being written', () => {
    make(...segment(0), ...segment(10, '.deleted'), ...segment(0, '.cleaned'), '00000000000000000010.snapshot.deleted');
    expect(sweepDirectory(disk, '/d')).toMatchObject({ baseOffsets: [0], wasChanged: true });
    expect(left()).toEqual(segment(0).sort());
  });

  it('carries through a replacement that was complete, and removes what it was made from', () => {
    disk.writeFile('/d/00000000000000000000.log.swap', Buffer.concat([aStoredBatch(0, 0), aStoredBatch(24, 0)]));
    make(...segment(0), ...segment(10), ...segment(20), ...segment(25), ...segment(0, '.swap').slice(1));
    expect(sweepDirectory(disk, '/d').baseOffsets).toEqual([0, 25]);
    expect(left()).toEqual([...segment(0), ...segment(25)].sort());
    expect(disk.readFile('/d/00000000000000000000.log').length).toBe(2 * aStoredBatch(0, 0).length);
  });

  it('gives up a replacement of which a part was still being written', () => {
    make(...segment(0), ...segment(0, '.cleaned'), ...segment(10, '.swap'));
    expect(sweepDirectory(disk, '/d').baseOffsets).toEqual([0]);
    expect(left()).toEqual(segment(0).sort());
  });

  it('removes an index without a log', () => {
    make(...segment(0), ...segment(10).slice(1));
    expect(sweepDirectory(disk, '/d').baseOffsets).toEqual([0]);
    expect(left()).toEqual(segment(0).sort());
  });

  it('does the same when it is interrupted anywhere and done again', () => {
    const build = (): void => {
      disk = new CrashDisk();
      disk.makeDirectory('/d');
      disk.writeFile('/d/00000000000000000000.log.swap', Buffer.concat([aStoredBatch(0, 0), aStoredBatch(24, 0)]));
      make(...segment(0), ...segment(10), ...segment(25), ...segment(0, '.swap').slice(1), ...segment(30, '.deleted'));
    };
    build();
    sweepDirectory(disk, '/d');
    const expected = left();
    for (let stop = 1; stop < 40; stop++) {
      build();
      let count = 0;
      disk.fault = (operation) =>
        operation !== 'list' && operation !== 'open' && operation !== 'read' && ++count === stop
          ? new Error('stopped')
          : null;
      try {
        sweepDirectory(disk, '/d');
      } catch (error) {
        expect(String(error)).toContain('stopped');
      }
      disk.fault = () => null;
      sweepDirectory(disk, '/d');
      expect(left(), `stopped at ${stop}`).toEqual(expected);
    }
  });
});
