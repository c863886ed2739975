/** The small text files of a log directory, in Kafka's form; what is not in that form is refused. */
import { describe, expect, it } from 'vitest';
import {
  CheckpointFormatError,
  decodeEpochs,
  decodeOffsets,
  encodeEpochs,
  encodeOffsets,
} from '../../../src/log/checkpoint-file.ts';
import {
  checkMetaProperties,
  decodeMetaProperties,
  encodeMetaProperties,
  InconsistentDirectoryError,
} from '../../../src/log/meta-properties.ts';
import { decodePartitionMetadata, encodePartitionMetadata } from '../../../src/log/partition-metadata.ts';

describe('a checkpoint of offsets', () => {
  it('has a version, a count and a line for each partition', () => {
    const entries = [
      { topic: 'orders', partition: 0, offset: 12 },
      { topic: '__proto__', partition: 11, offset: 9_007_199_254_740_991 },
    ];
    const text = '0\n2\norders 0 12\n__proto__ 11 9007199254740991\n';
    expect(encodeOffsets(entries)).toBe(text);
    expect(decodeOffsets(text)).toEqual(entries);
  });

  it('is empty as Kafka first makes it', () => {
    expect(decodeOffsets('')).toEqual([]);
    expect(encodeOffsets([])).toBe('0\n0\n');
    expect(decodeOffsets('0\n0\n')).toEqual([]);
  });

  it.each([
    '1\n0\n',
    '0\n2\nt 0 1\n',
    '0\n1\nt 0 1\nt 1 1\n',
    '0\n1\nt 0\n',
    '0\n1\nt 0 1 1\n',
    '0\n1\nt x 1\n',
    '0\nx\n',
    '0\n1\nt 0 1e3\n',
    '\0\0\0',
    '0\n1\nt 0 99999999999999999999\n',
  ])('is refused as %j', (text) => {
    expect(() => decodeOffsets(text)).toThrow(CheckpointFormatError);
  });
});

describe('a checkpoint of epochs', () => {
  it('has a line of epoch and start offset for each', () => {
    const entries = [
      { epoch: 0, startOffset: 0 },
      { epoch: 3, startOffset: 120 },
    ];
    expect(encodeEpochs(entries)).toBe('0\n2\n0 0\n3 120\n');
    expect(decodeEpochs('0\n2\n0 0\n3 120\n')).toEqual(entries);
    expect(() => decodeEpochs('0\n1\n0 0 0\n')).toThrow(CheckpointFormatError);
  });
});

describe('partition.metadata', () => {
  it('says which topic it is, without a newline at the end', () => {
    const topicId = 'abcdefghijklmnopqrst_-';
    expect(encodePartitionMetadata(topicId)).toBe(`version: 0\ntopic_id: ${topicId}`);
    expect(decodePartitionMetadata(`version: 0\ntopic_id: ${topicId}`)).toBe(topicId);
    expect(decodePartitionMetadata(`version: 0\ntopic_id: ${topicId}\n`)).toBe(topicId);
  });

  it.each(['', 'version: 1\ntopic_id: abcdefghijklmnopqrst_-', 'version: 0\ntopic_id: short', 'version: 0'])(
    'is refused as %j',
    (text) => {
      expect(decodePartitionMetadata(text)).toBeNull();
    },
  );
});

describe('meta.properties', () => {
  const stored = (clusterId: string | null, brokerId: number | null) =>
    new Map([['/data/meta.properties', { clusterId, brokerId }]]);

  it('comes back as it was written', () => {
    const text = encodeMetaProperties({ clusterId: 'kVw_x-3', brokerId: 2 });
    expect(text.split('\n')).toEqual(['#', 'broker.id=2', 'version=0', 'cluster.id=kVw_x-3', '']);
    expect(decodeMetaProperties(text, 'f')).toEqual({ clusterId: 'kVw_x-3', brokerId: 2 });
  });

  it('is read as Kafka writes it', () => {
    const text = '#\n#Sat Nov 21 03:11:00 UTC 2026\nbroker.id=1\nversion=0\ncluster.id=abc\n';
    expect(decodeMetaProperties(text, 'f')).toEqual({ clusterId: 'abc', brokerId: 1 });
    expect(decodeMetaProperties('', 'f')).toEqual({ clusterId: null, brokerId: null });
  });

  it('is refused with another version or without sense', () => {
    expect(() => decodeMetaProperties('version=1\nnode.id=1\n', '/d/meta.properties')).toThrow(
      'Found unexpected version in /d/meta.properties. ZK-based brokers that are not migrating only support version 0',
    );
    expect(() => decodeMetaProperties('broker.id=one\n', 'f')).toThrow(InconsistentDirectoryError);
  });

  it('keeps a broker from the data of another cluster, in the words of old and new', () => {
    const check = (): void => checkMetaProperties(stored('old', 1), 'new', 1);
    expect(check).toThrow('Invalid cluster.id in: /data/meta.properties. Expected new, but read old');
    expect(check).toThrow("The Cluster ID new doesn't match stored clusterId Some(old) in meta.properties.");
  });

  it('keeps a broker from the data of another broker', () => {
    const check = (): void => checkMetaProperties(stored('c', 1), 'c', 2);
    expect(check).toThrow("Stored node id 1 doesn't match previous node id 2 in /data/meta.properties.");
    expect(check).toThrow("Configured broker.id 2 doesn't match stored broker.id Some(1)");
  });

  it('accepts what agrees, and what says nothing', () => {
    checkMetaProperties(stored('c', 1), 'c', 1);
    checkMetaProperties(stored('c', 1), 'c', null);
    checkMetaProperties(stored(null, null), 'c', 1);
  });

  it('wants the directories of a broker with a generated id to agree', () => {
    const directories = new Map([
      ['/a/meta.properties', { clusterId: 'c', brokerId: 1001 }],
      ['/b/meta.properties', { clusterId: 'c', brokerId: 1002 }],
    ]);
    expect(() => checkMetaProperties(directories, 'c', null)).toThrow('Stored node id 1002');
  });
});
