/** What kafka-console-consumer shows of __consumer_offsets. */
import { expect, it } from 'vitest';
import { deprecationOf, recordFormatter } from '../../../src/cli/record-formatter.ts';
import { encodeGroupRecord, type GroupRecord } from '../../../src/protocol/internal/group-record.ts';

const OFFSETS = 'org.apache.kafka.tools.consumer.OffsetsMessageFormatter';
const GROUPS = 'org.apache.kafka.tools.consumer.GroupMetadataMessageFormatter';
const OLD_OFFSETS = 'kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter';
const OLD_GROUPS = 'kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter';

function shown(formatter: string, { key, value }: { key: Buffer | null; value: Buffer | null }): string {
  const record = {
    topic: '__consumer_offsets',
    partition: 0,
    offset: 0,
    timestampMs: 0,
    timestampType: null,
    headers: [],
  };
  return recordFormatter(formatter, new Map())({ ...record, key, value }).toString();
}

const commit = (offset: number | null): GroupRecord => ({
  kind: 'offsetCommit',
  key: { group: 'g', topic: 't', partition: 3 },
  value:
    offset === null
      ? null
      : { offset, leaderEpoch: 2, metadata: '', commitTimestamp: 1_700_000_000_000, expireTimestamp: -1 },
});

const group: GroupRecord = {
  kind: 'groupMetadata',
  key: { group: 'g' },
  value: {
    protocolType: 'consumer',
    generation: 1,
    protocol: 'range',
    leader: 'm',
    currentStateTimestamp: 5,
    members: [
      {
        memberId: 'm',
        groupInstanceId: null,
        clientId: 'c',
        clientHost: '/127.0.0.1',
        rebalanceTimeout: 300,
        sessionTimeout: 45,
        subscription: Buffer.from([0, 1]),
        assignment: Buffer.alloc(0),
      },
    ],
  },
};

it('committed offsets are lines of JSON, as Kafka writes them', () => {
  expect(shown(OFFSETS, encodeGroupRecord(commit(7)))).toBe(
    '{"key":{"version":1,"data":{"group":"g","topic":"t","partition":3}},' +
      '"value":{"version":3,"data":{"offset":7,"leaderEpoch":2,"metadata":"","commitTimestamp":1700000000000}}}\n',
  );
  expect(shown(OFFSETS, encodeGroupRecord(commit(null)))).toBe(
    '{"key":{"version":1,"data":{"group":"g","topic":"t","partition":3}},"value":null}\n',
  );
});

it('groups are lines of JSON, their bytes in base64', () => {
  expect(shown(GROUPS, encodeGroupRecord(group))).toBe(
    '{"key":{"version":2,"data":{"group":"g"}},"value":{"version":3,"data":{"protocolType":"consumer","generation":1,' +
      '"protocol":"range","leader":"m","currentStateTimestamp":5,"members":[{"memberId":"m","groupInstanceId":null,' +
      '"clientId":"c","clientHost":"/127.0.0.1","rebalanceTimeout":300,"sessionTimeout":45,"subscription":"AAE=",' +
      '"assignment":""}]}}}\n',
  );
});

it('each formatter passes over what the other shows', () => {
  expect(shown(OFFSETS, encodeGroupRecord(group))).toBe('');
  expect(shown(GROUPS, encodeGroupRecord(commit(7)))).toBe('');
});

it('what is neither, or damaged, is said to be unknown', () => {
  const key = Buffer.from([0, 5, 1, 2]);
  expect(shown(OFFSETS, { key, value: Buffer.from([0, 0, 9]) })).toBe(
    '{"key":{"version":5,"data":"unknown"},"value":{"version":0,"data":"unknown"}}\n',
  );
  const { key: good } = encodeGroupRecord(commit(7));
  expect(shown(OFFSETS, { key: good, value: Buffer.from([0, 3, 1]) })).toContain(
    '"value":{"version":3,"data":"unknown"}',
  );
  expect(shown(OFFSETS, { key: Buffer.from([1]), value: null })).toBe(
    '{"key":{"version":null,"data":"unknown"},"value":null}\n',
  );
  expect(shown(OFFSETS, { key: null, value: null })).toBe('{"key":null,"value":null}\n');
});

it('under their old names the formatters write the text of Kafka’s coordinator', () => {
  expect(shown(OLD_OFFSETS, encodeGroupRecord(commit(7)))).toBe(
    '[g,t,3]::OffsetAndMetadata(offset=7, leaderEpoch=Optional[2], metadata=, commitTimestamp=1700000000000, ' +
      'expireTimestamp=None)\n',
  );
  expect(shown(OLD_OFFSETS, encodeGroupRecord(commit(null)))).toBe('[g,t,3]::NULL\n');
  expect(shown(OLD_GROUPS, encodeGroupRecord(group))).toBe(
    'g::GroupMetadata(groupId=g, generation=1, protocolType=Some(consumer), currentState=Stable, ' +
      'members=HashMap(m -> MemberMetadata(memberId=m, groupInstanceId=None, clientId=c, clientHost=/127.0.0.1, ' +
      'sessionTimeoutMs=45, rebalanceTimeoutMs=300, supportedProtocols=List(range))))\n',
  );
  expect(shown(OLD_OFFSETS, encodeGroupRecord(group))).toBe('');
  expect(shown(OLD_GROUPS, encodeGroupRecord(commit(7)))).toBe('');
  expect(shown(OLD_GROUPS, { key: null, value: null })).toBe('');
});

it('an old formatter fails on bytes that it cannot read', () => {
  const { key } = encodeGroupRecord(commit(7));
  expect(() => shown(OLD_OFFSETS, { key, value: Buffer.from([0, 99]) })).toThrow('__consumer_offsets-0 at 0: ');
});

it('an old name is said to be deprecated', () => {
  expect(deprecationOf(OLD_OFFSETS)).toBe(
    `WARNING: ${OLD_OFFSETS} is deprecated and will be removed in the next major release. ` +
      `Please use ${OFFSETS} instead`,
  );
  expect(deprecationOf(OFFSETS)).toBeNull();
});
