/** What a controller knows, in few words, for tests of its pure parts. */
import { ControllerState } from '../../src/controller/controller-state.ts';
import type { LeaderAndIsr } from '../../src/model/leader-and-isr.ts';
import { LeaderRecoveryState } from '../../src/model/leader-and-isr.ts';

export const leaderAndIsr = (
  leader: number,
  isr: readonly number[],
  more: Partial<LeaderAndIsr> = {},
): LeaderAndIsr => ({
  leader,
  leaderEpoch: 5,
  isr,
  leaderRecoveryState: LeaderRecoveryState.RECOVERED,
  partitionEpoch: 7,
  ...more,
});

/** Brokers with epochs of a hundred times their ids. */
export function stateWithBrokers(...brokerIds: readonly number[]): ControllerState {
  const state = new ControllerState(3);
  for (const brokerId of brokerIds) state.addBroker(brokerOf(brokerId));
  return state;
}

export function brokerOf(brokerId: number, rack: string | null = null) {
  const endpoint = {
    listenerName: 'PLAINTEXT',
    securityProtocol: 'PLAINTEXT' as const,
    host: 'h',
    port: 9000 + brokerId,
  };
  return { brokerId, brokerEpoch: brokerId * 100, endpoints: [endpoint], rack };
}

export const assignmentOf = (...replicas: readonly (readonly number[])[]) =>
  new Map(replicas.map((ids, partition) => [partition, { replicas: ids, addingReplicas: [], removingReplicas: [] }]));

/** A topic whose partitions have these replicas, each led by its first one with all in sync. */
export function addTopic(state: ControllerState, topic: string, ...replicas: readonly (readonly number[])[]): void {
  state.putTopic({ topic, topicId: `id-of-${topic}`, assignment: assignmentOf(...replicas) });
  for (const [partition, ids] of replicas.entries())
    state.putPartitionState(topic, partition, { ...leaderAndIsr(ids[0] ?? -1, ids), controllerEpoch: 3 });
}
