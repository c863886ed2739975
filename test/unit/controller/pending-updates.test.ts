/** What a broker is owed, and in which order it is told. */
import { beforeEach, describe, expect, it } from 'vitest';
import { REQUEST_TYPE, type BrokerRequestContext } from '../../../src/controller/broker-requests.ts';
import type { ControllerState } from '../../../src/controller/controller-state.ts';
import { type BrokerRequest, PendingUpdates } from '../../../src/controller/pending-updates.ts';
import { LEADER_DURING_DELETE } from '../../../src/model/leader-and-isr.ts';
import { addTopic, stateWithBrokers } from '../../support/controller-states.ts';

let state: ControllerState;
let pending: PendingUpdates;
let context: BrokerRequestContext;

beforeEach(() => {
  state = stateWithBrokers(1, 2);
  addTopic(state, 't', [1, 2], [2]);
  pending = new PendingUpdates();
  context = { controllerId: 1, interBrokerListenerName: 'PLAINTEXT', state, brokerId: 1 };
});

function describeRequest(request: BrokerRequest | null): string {
  if (request === null) return 'nothing';
  const type = 'type' in request.request && request.request.type === REQUEST_TYPE.FULL ? ' full' : '';
  const partitions = request.request.topicStates.flatMap((topic) =>
    topic.partitionStates.map((partition) => {
      const leader = 'leader' in partition ? ` ${partition.leader}` : '';
      const isNew = 'isNew' in partition && partition.isNew === true ? ' new' : '';
      return ` ${topic.topicName}-${partition.partitionIndex}${leader}${isNew}`;
    }),
  );
  return `${request.kind}${type}${partitions.join()}`;
}

/** All that is owed, confirmed one by one. */
function tellAll(): string[] {
  const told: string[] = [];
  for (let request = pending.take(context); request !== null; request = pending.take(context)) {
    told.push(describeRequest(request));
    pending.confirm();
  }
  expect(pending.isEmpty).toBe(true);
  return told;
}

const partition = (topic: string, number: number) => {
  const found = state.partition(topic, number);
  if (found === undefined) throw new Error('no such partition');
  return found;
};

it('owes a broker everything at first: who there is, what it hosts, what there is', () => {
  expect(tellAll()).toEqual(['UpdateMetadata', 'LeaderAndIsr full t-0 1', 'UpdateMetadata full t-0 1, t-1 2']);
});

it('carries the epoch of the incarnation that it speaks to, and where leaders listen', () => {
  pending.take(context);
  const request = pending.take(context);
  expect(request?.request).toMatchObject({
    controllerId: 1,
    controllerEpoch: 3,
    brokerEpoch: 100,
    liveLeaders: [{ brokerId: 1, hostName: 'h', port: 9001 }],
  });
});

describe('once it was told everything', () => {
  beforeEach(() => {
    tellAll();
  });

  it('is told changes, in order, however often they changed meanwhile', () => {
    pending.addStop({ topic: 't', partition: 1, leaderEpoch: 6, deletePartition: false });
    pending.addMetadata(partition('t', 1));
    pending.addLeaderAndIsr(partition('t', 0), true);
    pending.addLeaderAndIsr(partition('t', 0), false);
    pending.addBrokers();
    expect(tellAll()).toEqual(['UpdateMetadata', 'LeaderAndIsr t-0 1 new', 'UpdateMetadata t-1 2', 'StopReplica t-1']);
  });

  it('is told the state of the moment of sending', () => {
    pending.addLeaderAndIsr(partition('t', 0), false);
    state.putPartitionState('t', 0, { ...state.partition('t', 0)!.state!, leader: 2, leaderEpoch: 6 });
    expect(tellAll()).toEqual(['LeaderAndIsr t-0 2']);
  });

  it('is owed everything again after a failure, and what it was to stop', () => {
    pending.addLeaderAndIsr(partition('t', 0), true);
    pending.take(context);
    pending.fail();
    pending.addStop({ topic: 't', partition: 1, leaderEpoch: -2, deletePartition: true });
    expect(describeRequest(pending.take(context))).toBe('UpdateMetadata');
    pending.confirm();
    expect(describeRequest(pending.take(context))).toBe('LeaderAndIsr full t-0 1 new');
    pending.confirm();
    pending.take(context);
    pending.confirm();
    expect(describeRequest(pending.take(context))).toBe('StopReplica t-1');
    pending.fail();
    expect(tellAll().at(-1)).toBe('StopReplica t-1');
  });

  it('does not soften a deletion that is owed to a mere stop', () => {
    pending.addStop({ topic: 't', partition: 0, leaderEpoch: -2, deletePartition: true });
    pending.addStop({ topic: 't', partition: 0, leaderEpoch: 5, deletePartition: false });
    const request = pending.take(context);
    expect(request?.request.topicStates[0]?.partitionStates[0]).toMatchObject({ deletePartition: true });
  });

  it('forgets a stop when the partition is assigned anew, and an assignment when it is stopped', () => {
    pending.addStop({ topic: 't', partition: 0, leaderEpoch: 5, deletePartition: false });
    pending.addLeaderAndIsr(partition('t', 0), false);
    expect(tellAll()).toEqual(['LeaderAndIsr t-0 1']);
    pending.addLeaderAndIsr(partition('t', 0), false);
    pending.addStop({ topic: 't', partition: 0, leaderEpoch: 5, deletePartition: false });
    expect(tellAll()).toEqual(['StopReplica t-0']);
  });

  it('is told that a topic is going, and nothing more of it when it is gone', () => {
    state.deletions.queue('t');
    pending.addMetadata(partition('t', 0));
    expect(tellAll()).toEqual([`UpdateMetadata t-0 ${LEADER_DURING_DELETE}`]);
    state.removeTopic('t');
    pending.addRemoved({ topic: 't', topicId: 'id-of-t', partition: 0 }, true);
    expect(tellAll()).toEqual([]);
  });

  it('is told that a topic is gone when that went faster than it could be told of its going', () => {
    state.deletions.queue('t');
    pending.addMetadata(partition('t', 0));
    state.removeTopic('t');
    pending.addRemoved({ topic: 't', topicId: 'id-of-t', partition: 0 }, true);
    expect(tellAll()).toEqual([`UpdateMetadata t-0 ${LEADER_DURING_DELETE}`]);
  });

  it('is told in full when it slept through the coming and going of thousands of topics', () => {
    for (let count = 0; count < 5000; count++)
      pending.addRemoved({ topic: `gone-${count}`, topicId: `id-${count}`, partition: 0 }, false);
    expect(tellAll()).toEqual(['UpdateMetadata full t-0 1, t-1 2']);
  });

  it('is told no more than some thousands of partitions at once', () => {
    addTopic(state, 'wide', ...Array.from({ length: 4500 }, () => [1]));
    for (let number = 0; number < 4500; number++) pending.addLeaderAndIsr(partition('wide', number), true);
    const counts: number[] = [];
    for (let request = pending.take(context); request !== null; request = pending.take(context)) {
      counts.push(request.request.topicStates[0]?.partitionStates.length ?? 0);
      pending.confirm();
    }
    expect(counts).toEqual([2000, 2000, 500]);
  });
});

describe('a full order', () => {
  it('names a replica that is to be deleted but still there, and not one that was deleted already', () => {
    // What a full order does not name is put aside; what it names comes into being.
    state.deletions.queue('t');
    pending.take(context);
    expect(describeRequest(pending.take(context))).toBe('LeaderAndIsr full t-0 1');
    state.deletions.onDeleted({ topic: 't', partition: 0, brokerId: 1 });
    pending.fail();
    pending.take(context);
    expect(describeRequest(pending.take(context))).toBe('LeaderAndIsr full');
  });

  it('does not claim to be full when something could not be read', () => {
    state.isComplete = false;
    expect(tellAll()).toEqual(['UpdateMetadata', 'LeaderAndIsr t-0 1', 'UpdateMetadata t-0 1, t-1 2']);
  });
});
