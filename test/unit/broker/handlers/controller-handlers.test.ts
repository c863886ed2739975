/** What brokers send to the controller, through its bytes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlledShutdown } from '../../../../src/broker/handlers/07-controlled-shutdown.ts';
import { alterPartition } from '../../../../src/broker/handlers/56-alter-partition.ts';
import { allocateProducerIds } from '../../../../src/broker/handlers/67-allocate-producer-ids.ts';
import { Errors } from '../../../../src/protocol/errors.ts';
import { ControlledShutdown } from '../../../../src/protocol/messages/07-controlled-shutdown.ts';
import { AlterPartition } from '../../../../src/protocol/messages/56-alter-partition.ts';
import { AllocateProducerIds } from '../../../../src/protocol/messages/67-allocate-producer-ids.ts';
import { ControlledCluster } from '../../../support/controlled-cluster.ts';
import { brokerWith, type Desk, deskOf } from '../../../support/requests.ts';

const handlers = [controlledShutdown, alterPartition, allocateProducerIds];
let cluster: ControlledCluster;
let desk: Desk;
let other: Desk;

beforeEach(async () => {
  cluster = await ControlledCluster.create();
  for (const id of [1, 2, 3]) await cluster.start(id);
  await cluster.quiet();
  const assignments = [
    { partitionIndex: 0, brokerIds: [2, 3] },
    { partitionIndex: 1, brokerIds: [3, 2] },
  ];
  const topic = { name: 't', numPartitions: -1, replicationFactor: -1, assignments, configs: [] };
  await cluster.controller.createTopics([topic], false);
  await cluster.quiet();
  const deskOfBroker = (id: number): Desk => {
    const controller = cluster.nodes.get(id)?.controller;
    if (controller === undefined) throw new Error(`broker ${id} is not there`);
    return deskOf(handlers, brokerWith({ controller }));
  };
  desk = deskOfBroker(1);
  other = deskOfBroker(2);
});

afterEach(() => cluster.close());

describe('AlterPartition', () => {
  const propose = (desk: Desk, brokerEpoch: number, partitionEpoch = 0) =>
    desk.ask(AlterPartition, 3, {
      brokerId: 2,
      brokerEpoch,
      topics: [
        {
          topicName: '',
          topicId: cluster.fake(1).cache.topicId('t') ?? '',
          partitions: [
            {
              partitionIndex: 0,
              leaderEpoch: 0,
              newIsr: [],
              newIsrWithEpochs: [{ brokerId: 2, brokerEpoch }],
              leaderRecoveryState: 0,
              partitionEpoch,
            },
          ],
        },
      ],
    });

  it('answers with the state that holds now', async () => {
    const answer = await propose(desk, cluster.brokerEpoch(2));
    expect(answer).toMatchObject({ errorCode: 0, topics: [{ topicId: cluster.fake(1).cache.topicId('t') }] });
    expect(answer?.topics[0]?.partitions).toEqual([
      {
        partitionIndex: 0,
        errorCode: 0,
        leaderId: 2,
        leaderEpoch: 0,
        isr: [2],
        leaderRecoveryState: 0,
        partitionEpoch: 1,
      },
    ]);
  });

  it('answers with an error for the partition, or for all', async () => {
    const early = await propose(desk, cluster.brokerEpoch(2), 5);
    expect(early?.topics[0]?.partitions[0]).toMatchObject({ errorCode: Errors.NOT_CONTROLLER, leaderId: -1, isr: [] });
    expect(await propose(desk, 1)).toMatchObject({ errorCode: Errors.STALE_BROKER_EPOCH, topics: [] });
    expect(await propose(other, cluster.brokerEpoch(2))).toMatchObject({
      errorCode: Errors.NOT_CONTROLLER,
      topics: [],
    });
  });
});

describe('ControlledShutdown', () => {
  it('answers what the broker still leads', async () => {
    const leave = (id: number) =>
      desk.ask(ControlledShutdown, 3, { brokerId: id, brokerEpoch: cluster.brokerEpoch(id) });
    expect(await leave(2)).toEqual({ errorCode: 0, remainingPartitions: [] });
    expect((await leave(3))?.remainingPartitions).toEqual([
      { topicName: 't', partitionIndex: 0 },
      { topicName: 't', partitionIndex: 1 },
    ]);
  });

  it('answers once the successors have been told', async () => {
    await desk.ask(ControlledShutdown, 3, { brokerId: 2, brokerEpoch: cluster.brokerEpoch(2) });
    expect(cluster.fake(3).hosted.get('t-0')?.state.leader).toBe(3);
  });

  it('does not wait for long for a broker that cannot be told', async () => {
    cluster.fake(3).isReachable = false;
    const asked = desk.ask(ControlledShutdown, 3, { brokerId: 2, brokerEpoch: cluster.brokerEpoch(2) });
    await cluster.quiet();
    await cluster.pass(1000);
    expect(await asked).toMatchObject({ errorCode: 0 });
  });

  it('refuses in Kafka’s words', async () => {
    const ask = (desk: Desk, brokerId: number, brokerEpoch: number) =>
      desk.ask(ControlledShutdown, 3, { brokerId, brokerEpoch });
    expect((await ask(desk, 2, 1))?.errorCode).toBe(Errors.STALE_BROKER_EPOCH);
    expect((await ask(desk, 9, 1))?.errorCode).toBe(Errors.BROKER_NOT_AVAILABLE);
    expect((await ask(other, 2, 1))?.errorCode).toBe(Errors.STALE_CONTROLLER_EPOCH);
  });
});

describe('AllocateProducerIds', () => {
  const allocate = (desk: Desk, brokerId: number, brokerEpoch: number) =>
    desk.ask(AllocateProducerIds, 0, { brokerId, brokerEpoch });

  it('gives out one block after the other', async () => {
    expect(await allocate(desk, 2, cluster.brokerEpoch(2))).toMatchObject({ producerIdStart: 0, producerIdLen: 1000 });
    expect(await allocate(desk, 3, cluster.brokerEpoch(3))).toMatchObject({ producerIdStart: 1000 });
  });

  it('refuses brokers that are not what they say', async () => {
    expect((await allocate(desk, 9, 1))?.errorCode).toBe(Errors.BROKER_ID_NOT_REGISTERED);
    expect((await allocate(desk, 2, 1))?.errorCode).toBe(Errors.STALE_BROKER_EPOCH);
    expect((await allocate(other, 2, cluster.brokerEpoch(2)))?.errorCode).toBe(Errors.NOT_CONTROLLER);
  });
});
