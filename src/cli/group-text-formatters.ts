/**
 * @pure What is in __consumer_offsets in the words of Kafka's deprecated formatters, the OffsetsMessageFormatter and
 * the GroupMetadataMessageFormatter of kafka.coordinator.group.GroupMetadataManager: a key, `::` and Scala's text of
 * the value. Records with other keys or none are passed over.
 *
 * Both throw RangeError for bytes that cannot be read.
 */
import { GroupMetadataKey, GroupMetadataValue } from '../protocol/internal/group-metadata-record.ts';
import { OffsetCommitKey, OffsetCommitValue } from '../protocol/internal/offset-commit-record.ts';
import { type StoredRecord, storedVersion } from '../protocol/stored-record.ts';
import type { RecordFormatter } from './record-formatter.ts';

/** `[group,topic,partition]::OffsetAndMetadata(…)` */
export const offsetsTextFormatter: RecordFormatter = ({ key, value }) => {
  if (key === null || !isOf(OffsetCommitKey, key)) return Buffer.alloc(0);
  const { group, topic, partition } = OffsetCommitKey.decode(key).value;
  return line(`[${group},${topic},${partition}]`, value === null ? null : offsetText(value));
};

/** `group::GroupMetadata(…)` */
export const groupMetadataTextFormatter: RecordFormatter = ({ key, value }) => {
  if (key === null || !isOf(GroupMetadataKey, key)) return Buffer.alloc(0);
  const { group } = GroupMetadataKey.decode(key).value;
  return line(group, value === null ? null : groupText(group, value));
};

function isOf({ lowestVersion, highestVersion }: StoredRecord, key: Buffer): boolean {
  const version = storedVersion(key);
  return version >= lowestVersion && version <= highestVersion;
}

function line(key: string, value: string | null): Buffer {
  return Buffer.from(`${key}::${value ?? 'NULL'}\n`);
}

function offsetText(bytes: Buffer): string {
  const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp } = OffsetCommitValue.decode(bytes).value;
  return text('OffsetAndMetadata', {
    offset,
    leaderEpoch: leaderEpoch === -1 ? 'Optional.empty' : `Optional[${leaderEpoch}]`,
    metadata,
    commitTimestamp,
    expireTimestamp: option(expireTimestamp === -1 ? null : expireTimestamp),
  });
}

function groupText(groupId: string, bytes: Buffer): string {
  const { version, value } = GroupMetadataValue.decode(bytes);
  const { protocolType, generation, protocol, members } = value;
  const memberTexts = members.map((member) => {
    const { memberId, groupInstanceId, clientId, clientHost, sessionTimeout, rebalanceTimeout } = member;
    const memberText = text('MemberMetadata', {
      memberId,
      groupInstanceId: option(groupInstanceId),
      clientId,
      clientHost,
      sessionTimeoutMs: sessionTimeout,
      rebalanceTimeoutMs: version === 0 ? sessionTimeout : rebalanceTimeout,
      supportedProtocols: `List(${protocol})`,
    });
    return `${memberId} -> ${memberText}`;
  });
  return text('GroupMetadata', {
    groupId,
    generation,
    protocolType: option(protocolType === '' ? null : protocolType),
    currentState: members.length === 0 ? 'Empty' : 'Stable',
    members: `HashMap(${memberTexts.join(', ')})`,
  });
}

/** The text of an object as Scala's classes of the coordinator write it. */
function text(name: string, fields: Readonly<Record<string, string | number>>): string {
  const parts = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
  return `${name}(${parts.join(', ')})`;
}

function option(value: string | number | null): string {
  return value === null ? 'None' : `Some(${value})`;
}
