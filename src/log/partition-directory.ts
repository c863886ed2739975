/**
 * @pure The names of partition directories below a log directory (LocalLog.parseTopicPartitionName): `topic-partition`,
 * or `topic-partition.<32 hex digits>-delete` for one that waits to be removed, `-stray` for one that nobody owns any
 * more and `-future` for one that is being moved between log directories.
 */
import { KafkaError } from '../protocol/errors.ts';

export type DirectoryMark = 'none' | 'delete' | 'stray' | 'future';

export interface PartitionDirectoryName {
  readonly topic: string;
  readonly partition: number;
  readonly mark: DirectoryMark;
}

const MARKED = /^(\S+)-(\S+)\.(\S+)-(delete|stray|future)$/;
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;
const PARTITION = /^(?:0|[1-9]\d{0,9})$/;
const MAX_PARTITION = 0x7fff_ffff;
/** What common file systems allow for one name. */
const MAX_NAME_LENGTH = 255;

/** Null when the name is not one that Kafka would have given. */
export function parsePartitionDirectory(name: string): PartitionDirectoryName | null {
  let plain = name;
  let mark: DirectoryMark = 'none';
  const ending = /-(delete|stray|future)$/.exec(name);
  if (ending !== null) {
    if (!MARKED.test(name)) return null;
    mark = ending[1] as DirectoryMark;
    plain = name.slice(0, name.lastIndexOf('.'));
  }
  const dash = plain.lastIndexOf('-');
  const partition = plain.slice(dash + 1);
  if (dash <= 0 || !PARTITION.test(partition) || Number(partition) > MAX_PARTITION) return null;
  return { topic: plain.slice(0, dash), partition: Number(partition), mark };
}

/**
 * Throws INVALID_TOPIC_EXCEPTION for what no topic is called: such a name could lead out of the log directory, or be
 * refused by the file system, which would look as if the disk had failed.
 */
export function partitionDirectoryName(topic: string, partition: number): string {
  const isPartition = PARTITION.test(String(partition)) && partition <= MAX_PARTITION;
  if (TOPIC.test(topic) && isPartition) return `${topic}-${partition}`;
  throw new KafkaError('INVALID_TOPIC_EXCEPTION', `No partition can be called ${JSON.stringify(topic)}-${partition}`);
}

/**
 * The name for a directory that leaves the log. A long topic name is cut, as the whole must fit the file system; the
 * partition number at its end and the unique id keep it readable and unique.
 */
export function markedDirectoryName(
  topic: string,
  partition: number,
  uniqueId: Buffer,
  mark: Exclude<DirectoryMark, 'none'>,
): string {
  const suffix = `-${partition}.${uniqueId.toString('hex')}-${mark}`;
  return topic.slice(0, MAX_NAME_LENGTH - suffix.length) + suffix;
}
