/** The periodic return to preferred leaders. What else is planned, the scenarios in test/scripts/controller show. */
import { describe, expect, it } from 'vitest';
import { ELECTION_TYPE, planElection, planRebalance } from '../../../src/controller/state-changes.ts';
import { leaderAndIsr, addTopic, stateWithBrokers } from '../../support/controller-states.ts';

/** Broker 1 is the preferred leader of ten partitions and does not lead that many of them. */
function stateWithForeignLeaders(count: number) {
  const state = stateWithBrokers(1, 2);
  addTopic(state, 't', ...Array.from({ length: 10 }, () => [1, 2]));
  for (let partition = 0; partition < count; partition++)
    state.putPartitionState('t', partition, { ...leaderAndIsr(2, [2, 1]), controllerEpoch: 3 });
  return state;
}

describe('a rebalance', () => {
  it('tolerates the share that is configured', () => {
    expect(planRebalance(stateWithForeignLeaders(1), 10)).toEqual([]);
  });

  it('gives back all that can be given back when there are more', () => {
    const state = stateWithForeignLeaders(3);
    state.putPartitionState('t', 2, { ...leaderAndIsr(2, [2]), controllerEpoch: 3 });
    const changes = planRebalance(state, 10);
    expect(changes.map(({ partition }) => partition.key)).toEqual(['t-0', 't-1']);
    expect(changes[0]?.next).toMatchObject(leaderAndIsr(1, [2, 1], { leaderEpoch: 6 }));
  });

  it('leaves topics alone that are being deleted, and brokers that are away', () => {
    const going = stateWithForeignLeaders(5);
    going.deletions.queue('t');
    expect(planRebalance(going, 10)).toEqual([]);
    const away = stateWithForeignLeaders(5);
    away.removeBroker(1);
    expect(planRebalance(away, 10)).toEqual([]);
  });
});

describe('an election by request', () => {
  it('is not needed when the preferred replica leads, or when anybody leads and unclean is asked for', () => {
    const state = stateWithForeignLeaders(1);
    const elect = (partition: number, type: 0 | 1) => planElection(state, state.partition('t', partition), type);
    expect(elect(1, ELECTION_TYPE.PREFERRED)).toMatchObject({
      error: 'ELECTION_NOT_NEEDED',
      message: 'Leader election not needed for topic partition.',
    });
    expect(elect(0, ELECTION_TYPE.UNCLEAN)).toMatchObject({ error: 'ELECTION_NOT_NEEDED' });
    expect(elect(0, ELECTION_TYPE.PREFERRED)).toMatchObject({ next: { leader: 1 } });
  });

  it('says which strategy found nobody', () => {
    const state = stateWithForeignLeaders(1);
    state.removeBroker(1);
    expect(planElection(state, state.partition('t', 0), ELECTION_TYPE.PREFERRED)).toEqual({
      error: 'PREFERRED_LEADER_NOT_AVAILABLE',
      message:
        'Failed to elect leader for partition t-0 under strategy PreferredReplicaPartitionLeaderElectionStrategy',
    });
  });
});
