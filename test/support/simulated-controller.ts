/**
 * The controller of a simulated cluster: the state of one partition, elections and AlterPartition by the rules of a
 * Kafka controller (KIP-497, KIP-841, KIP-903), and orders that go to each broker until it has obeyed the latest.
 */
import type { AlterPartition } from '../../src/protocol/messages/56-alter-partition.ts';
import type { LeaderAndIsr } from '../../src/protocol/messages/04-leader-and-isr.ts';
import type { UpdateMetadata } from '../../src/protocol/messages/06-update-metadata.ts';
import { type ErrorName, Errors } from '../../src/protocol/errors.ts';
import type { RequestIn, ResponseOut } from '../../src/protocol/schema.ts';
import type { SeededRandom, SimulatedClock } from './simulated-clock.ts';

const TOPIC = 'orders';
const TOPIC_ID = 'b3JkZXJzb3JkZXJzb3JkZQ';
const NO_LEADER = -1;

export interface ControllerState {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly partitionEpoch: number;
}

export interface SimulatedControllerOptions {
  readonly brokerIds: readonly number[];
  readonly clock: SimulatedClock;
  readonly random: SeededRandom;
  readonly onChanged: () => void;
  /** Sends the present orders to one incarnation; false when it has not obeyed them. */
  readonly order: (brokerId: number, brokerEpoch: number) => Promise<boolean>;
}

type AlterPartitionAnswer = ResponseOut<typeof AlterPartition>;

export class SimulatedController {
  readonly #options: SimulatedControllerOptions;
  readonly #live = new Map<number, number>();
  readonly #obeyed = new Map<number, string>();
  readonly #isOrdering = new Set<number>();
  #state: ControllerState;
  #electionCount = 0;

  constructor(options: SimulatedControllerOptions) {
    this.#options = options;
    this.#state = { leader: NO_LEADER, leaderEpoch: 0, isr: options.brokerIds, partitionEpoch: 0 };
  }

  get state(): ControllerState {
    return this.#state;
  }

  get electionCount(): number {
    return this.#electionCount;
  }

  /** A new incarnation: what the old one had is over, whether or not its end was noticed. */
  onBrokerRegistered(brokerId: number, brokerEpoch: number): void {
    if (this.#live.has(brokerId)) this.#onBrokerFailed(brokerId);
    this.#live.set(brokerId, brokerEpoch);
    if (this.#state.leader === NO_LEADER) this.#elect();
    this.#orderAll();
  }

  onBrokerLost(brokerId: number, brokerEpoch: number): void {
    if (this.#live.get(brokerId) === brokerEpoch) this.#onBrokerFailed(brokerId);
  }

  /** A preferred or controlled election: another live member of the ISR leads. */
  moveLeader(): void {
    const others = this.#state.isr.filter((id) => id !== this.#state.leader && this.#live.has(id));
    const leader = this.#options.random.pick(others);
    if (leader !== undefined) this.#change({ leader, leaderEpoch: this.#state.leaderEpoch + 1 });
  }

  alterPartition(request: RequestIn<typeof AlterPartition>): AlterPartitionAnswer {
    const failed = (error: ErrorName): AlterPartitionAnswer => ({
      errorCode: Errors[error],
      throttleTimeMs: 0,
      topics: [],
    });
    if (this.#live.get(request.brokerId) !== request.brokerEpoch) return failed('STALE_BROKER_EPOCH');
    const asked = request.topics[0]?.partitions[0];
    if (asked === undefined) return failed('NONE');
    const error = this.#alter(asked);
    const { leader: leaderId, leaderEpoch, isr, partitionEpoch } = this.#state;
    const answer = {
      partitionIndex: 0,
      errorCode: Errors[error],
      leaderId,
      leaderEpoch,
      isr: [...isr],
      leaderRecoveryState: 0,
      partitionEpoch,
    };
    return { errorCode: 0, throttleTimeMs: 0, topics: [{ topicName: '', topicId: TOPIC_ID, partitions: [answer] }] };
  }

  #alter(asked: RequestIn<typeof AlterPartition>['topics'][number]['partitions'][number]): ErrorName {
    const { leaderEpoch, partitionEpoch, isr } = this.#state;
    const members = asked.newIsrWithEpochs ?? [];
    if (asked.leaderEpoch !== leaderEpoch) return 'FENCED_LEADER_EPOCH';
    const newIsr = members.map(({ brokerId }) => brokerId);
    // The answer to the first try was lost.
    if (asked.partitionEpoch <= partitionEpoch && String(newIsr) === String(isr)) return 'NONE';
    if (asked.partitionEpoch !== partitionEpoch) return 'INVALID_UPDATE_VERSION';
    for (const { brokerId, brokerEpoch = -1 } of members) {
      const live = this.#live.get(brokerId);
      if (live === undefined || (brokerEpoch !== -1 && brokerEpoch !== live)) return 'INELIGIBLE_REPLICA';
    }
    this.#change({ isr: newIsr });
    return 'NONE';
  }

  leaderAndIsr(brokerEpoch: number): RequestIn<typeof LeaderAndIsr> {
    const { leader, leaderEpoch, isr, partitionEpoch } = this.#state;
    const replicas = this.#options.brokerIds;
    const partition = { partitionIndex: 0, controllerEpoch: 1, leader, leaderEpoch, isr, partitionEpoch, replicas };
    return {
      controllerId: 0,
      controllerEpoch: 1,
      brokerEpoch,
      type: 1,
      topicStates: [{ topicName: TOPIC, topicId: TOPIC_ID, partitionStates: [partition] }],
      liveLeaders: [],
    };
  }

  updateMetadata(brokerEpoch: number): RequestIn<typeof UpdateMetadata> {
    const { leader, leaderEpoch, isr, partitionEpoch } = this.#state;
    const replicas = this.#options.brokerIds;
    const partition = {
      partitionIndex: 0,
      controllerEpoch: 1,
      leader,
      leaderEpoch,
      isr,
      zkVersion: partitionEpoch,
      replicas,
    };
    return {
      controllerId: 0,
      controllerEpoch: 1,
      brokerEpoch,
      type: 1,
      topicStates: [{ topicName: TOPIC, topicId: TOPIC_ID, partitionStates: [partition] }],
      liveBrokers: [...this.#live.keys()].map((id) => ({ id, endpoints: [], rack: null })),
    };
  }

  #onBrokerFailed(brokerId: number): void {
    this.#live.delete(brokerId);
    const { leader, leaderEpoch, isr } = this.#state;
    const rest = isr.filter((id) => id !== brokerId);
    // The last member stays: it is the only one that is known to have everything.
    if (leader === brokerId) this.#elect(rest);
    else if (rest.length > 0 && rest.length < isr.length) this.#change({ isr: rest, leaderEpoch: leaderEpoch + 1 });
    this.#orderAll();
  }

  #elect(members: readonly number[] = this.#state.isr): void {
    const liveIsr = members.filter((id) => this.#live.has(id));
    const leader = this.#options.brokerIds.find((id) => liveIsr.includes(id)) ?? NO_LEADER;
    const leaderEpoch = this.#state.leaderEpoch + 1;
    if (leader !== NO_LEADER) this.#change({ leader, leaderEpoch, isr: liveIsr });
    else if (this.#state.leader !== NO_LEADER) this.#change({ leader, leaderEpoch });
  }

  #change(change: Partial<ControllerState>): void {
    if (change.leader !== undefined && change.leader !== this.#state.leader) this.#electionCount++;
    this.#state = { ...this.#state, ...change, partitionEpoch: this.#state.partitionEpoch + 1 };
    this.#options.onChanged();
    this.#orderAll();
  }

  #orderAll(): void {
    for (const brokerId of this.#live.keys()) this.#orderSoon(brokerId);
  }

  #orderSoon(brokerId: number): void {
    if (this.#isOrdering.has(brokerId)) return;
    this.#isOrdering.add(brokerId);
    const { clock, random, order } = this.#options;
    const delayMs = random.chance(0.8) ? random.int(6) : random.int(150);
    clock.schedule(delayMs, () => {
      const brokerEpoch = this.#live.get(brokerId);
      const wanted = this.#wanted(brokerEpoch);
      this.#isOrdering.delete(brokerId);
      if (brokerEpoch === undefined || this.#obeyed.get(brokerId) === wanted) return;
      this.#isOrdering.add(brokerId);
      // Until it has answered nobody knows what it obeys.
      this.#obeyed.delete(brokerId);
      order(brokerId, brokerEpoch)
        .then((isObeyed) => {
          this.#isOrdering.delete(brokerId);
          if (isObeyed) this.#obeyed.set(brokerId, wanted);
          this.#orderSoon(brokerId);
        })
        .catch((error: unknown) => {
          throw error;
        });
    });
  }

  /** Everything that an order would say, as one text. */
  #wanted(brokerEpoch: number | undefined): string {
    return JSON.stringify([this.#state, [...this.#live.keys()], brokerEpoch]);
  }
}
