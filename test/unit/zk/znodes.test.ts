/** The bytes of every znode: what Kafka writes, what older versions wrote, and what must be refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderRecoveryState } from '../../../src/model/leader-and-isr.ts';
import { ZnodeFormatError } from '../../../src/zk/znode-json.ts';
import {
  BrokerIdZnode,
  ClusterIdZnode,
  ConfigChangeNotificationZnode,
  ConfigZnode,
  ControllerEpochZnode,
  ControllerZnode,
  DeleteTopicsTopicZnode,
  FeatureZnode,
  IsrChangeNotificationZnode,
  LogDirEventNotificationZnode,
  PreferredReplicaElectionZnode,
  ProducerIdBlockZnode,
  ReassignPartitionsZnode,
  sequenceNumber,
  TopicPartitionStateZnode,
  TopicZnode,
} from '../../../src/zk/znodes.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const json = (text: string): unknown => JSON.parse(text);
const written = (data: Buffer): unknown => json(data.toString());

describe('paths', () => {
  it("are Kafka's", () => {
    expect(BrokerIdZnode.path(7)).toBe('/brokers/ids/7');
    expect(TopicZnode.path('t')).toBe('/brokers/topics/t');
    expect(TopicPartitionStateZnode.path('t', 3)).toBe('/brokers/topics/t/partitions/3/state');
    expect(DeleteTopicsTopicZnode.path('t')).toBe('/admin/delete_topics/t');
    expect(ConfigZnode.path('brokers', '<default>')).toBe('/config/brokers/<default>');
  });
});

describe('a broker registration', () => {
  const endpoints = [
    { listenerName: 'INTERNAL', securityProtocol: 'SSL', host: '::1', port: 9093 },
    { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: 'h', port: 9092 },
  ] as const;

  it('is written as version 5, with the first plain text endpoint for old clients', () => {
    const data = BrokerIdZnode.encode({ endpoints, rack: 'r1' }, 1_700_000_000_000);
    expect(written(data)).toEqual(
      json(
        '{"version":5,"host":"h","port":9092,"jmx_port":-1,"timestamp":"1700000000000",' +
          '"endpoints":["INTERNAL://[::1]:9093","PLAINTEXT://h:9092"],' +
          '"listener_security_protocol_map":{"INTERNAL":"SSL","PLAINTEXT":"PLAINTEXT"},"features":{},"rack":"r1"}',
      ),
    );
    expect(BrokerIdZnode.decode(4, data, 99)).toEqual({ brokerId: 4, brokerEpoch: 99, endpoints, rack: 'r1' });
  });

  it('has no host for old clients if nothing speaks plain text, and no rack if there is none', () => {
    const data = BrokerIdZnode.encode({ endpoints: endpoints.slice(0, 1), rack: null }, 1);
    expect(written(data)).toMatchObject({ host: null, port: -1 });
    expect(written(data)).not.toHaveProperty('rack');
  });

  it.each([
    '{"version":1,"host":"h","port":9092,"jmx_port":9999,"timestamp":"2233345666"}',
    '{"version":2,"host":"h","port":9092,"jmx_port":9999,"timestamp":"1","endpoints":["PLAINTEXT://h:9092"]}',
    '{"version":3,"host":"h","port":9092,"jmx_port":-1,"timestamp":"1","endpoints":["PLAINTEXT://h:9092"],"rack":null}',
    '{"version":4,"endpoints":["CLIENT://h:9092"],"listener_security_protocol_map":{"CLIENT":"PLAINTEXT"},"new":[1]}',
  ])('of an earlier version is read: %s', (text) => {
    const { endpoints: found, rack } = BrokerIdZnode.decode(1, bytes(text), 5);
    expect(found).toMatchObject([{ securityProtocol: 'PLAINTEXT', host: 'h', port: 9092 }]);
    expect(rack).toBeNull();
  });

  it.each([
    null,
    '',
    '[]',
    'null',
    '{"version":0}',
    '{"version":1,"host":"h"}',
    '{"version":5}',
    '{"version":5,"endpoints":["h:9092"]}',
    '{"version":5,"endpoints":["ODD://h:9092"]}',
    '{"version":5,"endpoints":["A://h:1"],"listener_security_protocol_map":{"A":"constructor"}}',
  ])('is refused when it is %s', (text) => {
    expect(() => BrokerIdZnode.decode(1, text === null ? null : bytes(text), 5)).toThrow(ZnodeFormatError);
  });
});

describe('a topic', () => {
  it('is written as version 3 with its id and what a reassignment moves', () => {
    const assignment = new Map([
      [10, { replicas: [3, 1], addingReplicas: [3], removingReplicas: [] }],
      [0, { replicas: [1, 2, 3], addingReplicas: [], removingReplicas: [2] }],
    ]);
    const data = TopicZnode.encode({ topicId: 'Fs1ZkXh4Q5mMXX9c4fB5bA', assignment });
    expect(data.toString()).toBe(
      '{"version":3,"topic_id":"Fs1ZkXh4Q5mMXX9c4fB5bA","partitions":{"0":[1,2,3],"10":[3,1]},' +
        '"adding_replicas":{"10":[3]},"removing_replicas":{"0":[2]}}',
    );
    expect(TopicZnode.decode('t', data)).toEqual({ topic: 't', topicId: 'Fs1ZkXh4Q5mMXX9c4fB5bA', assignment });
  });

  it.each([
    '{"version":1,"partitions":{"0":[1,2]}}',
    '{"version":2,"partitions":{"0":[1,2]},"adding_replicas":{},"removing_replicas":{}}',
  ])('of an earlier version has no id: %s', (text) => {
    const assignment = new Map([[0, { replicas: [1, 2], addingReplicas: [], removingReplicas: [] }]]);
    expect(TopicZnode.decode('t', bytes(text))).toEqual({ topic: 't', topicId: null, assignment });
  });

  it.each(['{"partitions":{"x":[1]}}', '{"partitions":{"0":["1"]}}', '{"partitions":[]}', '{"partitions":{"-1":[1]}}'])(
    'is refused when it is %s',
    (text) => {
      expect(() => TopicZnode.decode('t', bytes(text))).toThrow('Failed to parse the data of znode /brokers/topics/t');
    },
  );
});

describe('a partition state', () => {
  const state = {
    leader: 1,
    leaderEpoch: 12,
    isr: [1, 2, 3],
    controllerEpoch: 7,
    leaderRecoveryState: LeaderRecoveryState.RECOVERED,
  };

  it('is written in the words of Kafka; its epoch is the version of the znode', () => {
    const data = TopicPartitionStateZnode.encode(state);
    expect(data.toString()).toBe('{"controller_epoch":7,"leader":1,"version":1,"leader_epoch":12,"isr":[1,2,3]}');
    expect(TopicPartitionStateZnode.decode('t', 0, data, 4)).toEqual({ ...state, partitionEpoch: 4 });
  });

  it('says so while it recovers from an unclean election', () => {
    const recovering = { ...state, leaderRecoveryState: LeaderRecoveryState.RECOVERING };
    const data = TopicPartitionStateZnode.encode(recovering);
    expect(written(data)).toHaveProperty('leader_recovery_state', 1);
    expect(TopicPartitionStateZnode.decode('t', 0, data, 0)).toEqual({ ...recovering, partitionEpoch: 0 });
  });

  it('is refused when a field is missing or strange', () => {
    for (const text of ['{}', '{"leader":1.5}', '{"controller_epoch":7,"leader":1,"leader_epoch":1,"isr":null}'])
      expect(() => TopicPartitionStateZnode.decode('t', 0, bytes(text), 0)).toThrow(ZnodeFormatError);
    const unknown = '{"controller_epoch":7,"leader":1,"leader_epoch":1,"isr":[],"leader_recovery_state":2}';
    expect(() => TopicPartitionStateZnode.decode('t', 0, bytes(unknown), 0)).toThrow('unknown leader_recovery_state');
  });
});

describe('the small ones', () => {
  it('the id of the cluster has a version that is a string', () => {
    const data = ClusterIdZnode.encode('vPeOCWypqUOSepEvx0cbog');
    expect(data.toString()).toBe('{"version":"1","id":"vPeOCWypqUOSepEvx0cbog"}');
    expect(ClusterIdZnode.decode(data)).toBe('vPeOCWypqUOSepEvx0cbog');
  });

  it('the controller', () => {
    const data = ControllerZnode.encode(1, 1_700_000_000_000);
    expect(data.toString()).toBe('{"version":2,"brokerid":1,"timestamp":"1700000000000","kraftControllerEpoch":-1}');
    expect(ControllerZnode.decode(data)).toBe(1);
    expect(ControllerZnode.decode(bytes('{"version":1,"brokerid":3,"timestamp":"1"}'))).toBe(3);
  });

  it('the controller epoch is bare text', () => {
    expect(ControllerEpochZnode.encode(7).toString()).toBe('7');
    expect(ControllerEpochZnode.decode(bytes('7'))).toBe(7);
    for (const data of [null, bytes(''), bytes('x'), bytes('-1')])
      expect(() => ControllerEpochZnode.decode(data)).toThrow(ZnodeFormatError);
  });

  it('configuration: no data means no overrides', () => {
    const data = ConfigZnode.encode(new Map([['retention.ms', '1000']]));
    expect(data.toString()).toBe('{"version":1,"config":{"retention.ms":"1000"}}');
    expect(ConfigZnode.decode('topics', 't', data)).toEqual(new Map([['retention.ms', '1000']]));
    for (const none of [null, Buffer.alloc(0), bytes('{"version":1}')])
      expect(ConfigZnode.decode('topics', 't', none)).toEqual(new Map());
    expect(() => ConfigZnode.decode('topics', 't', bytes('{"config":{"a":1}}'))).toThrow('/config/topics/t');
  });

  it('configuration survives any key and value, __proto__ among them', () => {
    const entries = fc.array(fc.tuple(fc.oneof(fc.string(), fc.constant('__proto__')), fc.string()));
    fc.assert(
      fc.property(entries, (pairs) => {
        const config = new Map(pairs);
        expect(ConfigZnode.decode('topics', 't', ConfigZnode.encode(config))).toEqual(config);
      }),
    );
  });

  it('a change of configuration, in both versions', () => {
    const data = ConfigChangeNotificationZnode.encode({ type: 'users', name: 'u/clients/c' });
    expect(data.toString()).toBe('{"version":2,"entity_path":"users/u/clients/c"}');
    expect(ConfigChangeNotificationZnode.decode(data)).toEqual({ type: 'users', name: 'u/clients/c' });
    const old = bytes('{"version":1,"entity_type":"topics","entity_name":"t"}');
    expect(ConfigChangeNotificationZnode.decode(old)).toEqual({ type: 'topics', name: 't' });
    for (const path of ['topics', '/t', 'topics/'])
      expect(() =>
        ConfigChangeNotificationZnode.decode(bytes(JSON.stringify({ version: 2, entity_path: path }))),
      ).toThrow(ZnodeFormatError);
  });

  it('a block of producer ids has strings for numbers', () => {
    const block = { brokerId: 1, firstProducerId: 0, lastProducerId: 999 };
    const data = ProducerIdBlockZnode.encode(block);
    expect(data.toString()).toBe('{"version":1,"broker":1,"block_start":"0","block_end":"999"}');
    expect(ProducerIdBlockZnode.decode(data)).toEqual(block);
    expect(ProducerIdBlockZnode.decode(null)).toBeNull();
    expect(() =>
      ProducerIdBlockZnode.decode(bytes('{"version":1,"broker":1,"block_start":"9223372036854775807"}')),
    ).toThrow('block_start');
  });

  it('a failed log directory', () => {
    expect(LogDirEventNotificationZnode.encode(2).toString()).toBe('{"version":1,"broker":2,"event":1}');
    expect(LogDirEventNotificationZnode.decode(bytes('{"version":1,"broker":2,"event":1}'))).toBe(2);
    expect(LogDirEventNotificationZnode.decode(bytes('{"version":1,"broker":2,"event":9}'))).toBeNull();
  });

  it('the old triggers', () => {
    const partitions = [{ topic: 't', partition: 0 }];
    const election = PreferredReplicaElectionZnode.encode(partitions);
    expect(election.toString()).toBe('{"version":1,"partitions":[{"topic":"t","partition":0}]}');
    expect(PreferredReplicaElectionZnode.decode(election)).toEqual(partitions);
    expect(IsrChangeNotificationZnode.decode(IsrChangeNotificationZnode.encode(partitions))).toEqual(partitions);
    const reassignment = [{ topic: 't', partition: 0, replicas: [3, 1, 2] }];
    const data = ReassignPartitionsZnode.encode(reassignment);
    expect(data.toString()).toBe('{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[3,1,2]}]}');
    expect(ReassignPartitionsZnode.decode(data)).toEqual(reassignment);
    expect(() => ReassignPartitionsZnode.decode(bytes('{"partitions":[1]}'))).toThrow(ZnodeFormatError);
  });

  it('the finalized features', () => {
    const data = FeatureZnode.encode(new Map([['metadata.version', 3]]));
    expect(data.toString()).toBe('{"version":2,"status":1,"features":{"metadata.version":{"max_version_level":3}}}');
    expect(FeatureZnode.decode(data)).toEqual({ status: 1, features: new Map([['metadata.version', 3]]) });
    expect(() => FeatureZnode.decode(bytes('{"status":1,"features":{"a":null}}'))).toThrow(ZnodeFormatError);
  });

  it('the number of a sequential znode', () => {
    expect(sequenceNumber('config_change_0000000012', 'config_change_')).toBe(12);
    for (const name of ['config_change_', 'config_change_x', 'other_0000000001', ''])
      expect(sequenceNumber(name, 'config_change_')).toBeNull();
  });
});

it('no bytes at all crash a decoder other than by a format error', () => {
  const decoders = [
    (data: Buffer) => BrokerIdZnode.decode(1, data, 1),
    (data: Buffer) => TopicZnode.decode('t', data),
    (data: Buffer) => TopicPartitionStateZnode.decode('t', 0, data, 0),
    ControllerZnode.decode,
    ControllerEpochZnode.decode,
    ConfigChangeNotificationZnode.decode,
    ProducerIdBlockZnode.decode,
    LogDirEventNotificationZnode.decode,
    ReassignPartitionsZnode.decode,
    FeatureZnode.decode,
  ];
  const data = fc.oneof(
    fc.uint8Array().map((array) => Buffer.from(array)),
    fc.json().map(bytes),
    fc
      .dictionary(
        fc.constantFrom('version', 'partitions', 'features', 'endpoints', 'event', '__proto__'),
        fc.jsonValue(),
      )
      .map((object) => bytes(JSON.stringify(object))),
  );
  fc.assert(
    fc.property(data, (input) => {
      for (const decode of decoders) {
        try {
          decode(input);
        } catch (error) {
          expect(error).toBeInstanceOf(ZnodeFormatError);
        }
      }
    }),
    { numRuns: 500 },
  );
});
