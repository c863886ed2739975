/** The names of files and directories of a log. */
import { describe, expect, it } from 'vitest';
import { markedDirectoryName, parsePartitionDirectory } from '../../../src/log/partition-directory.ts';
import { parseSegmentFileName, segmentFileName } from '../../../src/log/segment-names.ts';

describe('a file of a segment', () => {
  it('has the offset in twenty digits', () => {
    expect(segmentFileName(42, 'log')).toBe('00000000000000000042.log');
    expect(segmentFileName(42, 'timeindex', '.swap')).toBe('00000000000000000042.timeindex.swap');
    expect(parseSegmentFileName('00000000000000000042.snapshot.deleted')).toEqual({
      offset: 42,
      kind: 'snapshot',
      mark: '.deleted',
    });
  });

  it.each([
    '42.log',
    '00000000000000000042.txt',
    '00000000000000000042.log.tmp',
    'leader-epoch-checkpoint',
    '99999999999999999999.log',
  ])('is not %s', (name) => {
    expect(parseSegmentFileName(name)).toBeNull();
  });
});

describe('a directory of a partition', () => {
  it.each([
    ['t-0', { topic: 't', partition: 0, mark: 'none' }],
    ['a-b-c-17', { topic: 'a-b-c', partition: 17, mark: 'none' }],
    ['__proto__-3', { topic: '__proto__', partition: 3, mark: 'none' }],
    ['t-0.5f3c-delete', { topic: 't', partition: 0, mark: 'delete' }],
    ['my.topic-12.5f3c-stray', { topic: 'my.topic', partition: 12, mark: 'stray' }],
    ['t-0.5f3c-future', { topic: 't', partition: 0, mark: 'future' }],
    ['x-delete-4', { topic: 'x-delete', partition: 4, mark: 'none' }],
  ])('is %s', (name, parsed) => {
    expect(parsePartitionDirectory(name)).toEqual(parsed);
  });

  it.each(['lost+found', 't-', '-0', 't-x', 't-01', 't-delete', 't-99999999999', '.Trash-0x'])('is not %s', (name) => {
    expect(parsePartitionDirectory(name)).toBeNull();
  });

  it('gets a name that fits the file system when it is given up', () => {
    const uniqueId = Buffer.alloc(16, 0xab);
    expect(markedDirectoryName('t', 5, uniqueId, 'delete')).toBe(`t-5.${'ab'.repeat(16)}-delete`);
    const name = markedDirectoryName('x'.repeat(249), 12, uniqueId, 'delete');
    expect(name.length).toBe(255);
    expect(parsePartitionDirectory(name)).toMatchObject({ partition: 12, mark: 'delete' });
  });
});
