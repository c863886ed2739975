/**
 * A member of a consumer group that does nothing but take part: joins, syncs, beats, joins again when the group
 * rebalances. On the raw API calls of @platformatic/kafka, so that a thousand of them fit into one process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Connection,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV5,
  syncGroupV5,
} from '@platformatic/kafka';
import { evenWithErrors } from '../test/support/wire-client.ts';

const MEMBER_ID_REQUIRED = 79;
const PROTOCOL_TYPE = 'consumer';
const PROTOCOL = 'range';

export interface BenchGroup {
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly heartbeatMs: number;
}

export class BenchMember {
  readonly #group: BenchGroup;
  readonly #connection: Connection;
  readonly #onStable: (generation: number) => void;
  #memberId = '';
  #isLeaving = false;
  #running: Promise<void> = Promise.resolve();

  /** Begins to join; `onStable` is told each generation in which this member has its assignment. */
  static async start(
    address: { host: string; port: number },
    group: BenchGroup,
    onStable: (generation: number) => void,
  ): Promise<BenchMember> {
    const connection = new Connection('bench-member', { connectTimeout: 10_000, requestTimeout: 60_000 });
    await connection.connect(address.host, address.port);
    const member = new BenchMember(connection, group, onStable);
    member.#running = member.#run();
    return member;
  }

  private constructor(connection: Connection, group: BenchGroup, onStable: (generation: number) => void) {
    this.#connection = connection;
    this.#group = group;
    this.#onStable = onStable;
  }

  async leave(): Promise<void> {
    this.#isLeaving = true;
    await this.#running;
    await evenWithErrors(leaveGroupV5.api.async(this.#connection, this.#group.group, [{ memberId: this.#memberId }]));
    await this.#connection.close();
  }

  async #run(): Promise<void> {
    while (!this.#isLeaving) {
      const generation = await this.#joinAndSync();
      if (generation === null) continue;
      this.#onStable(generation);
      let isStable = true;
      while (isStable && !this.#isLeaving) {
        await sleep(this.#group.heartbeatMs);
        const { errorCode } = await evenWithErrors(
          heartbeatV4.api.async(this.#connection, this.#group.group, generation, this.#memberId),
        );
        isStable = errorCode === 0;
      }
    }
  }

  async #joinAndSync(): Promise<number | null> {
    const { group, topic, partitions } = this.#group;
    const protocols = [
      { name: PROTOCOL, metadata: encodeConsumerProtocolSubscription({ version: 0, topics: [topic] }) },
    ];
    const joined = await evenWithErrors(
      joinGroupV9.api.async(this.#connection, group, 30_000, 30_000, this.#memberId, null, PROTOCOL_TYPE, protocols),
    );
    this.#memberId = joined.memberId;
    if (joined.errorCode === MEMBER_ID_REQUIRED) return null;
    if (joined.errorCode !== 0) throw new Error(`JoinGroup of ${group}: error code ${joined.errorCode}`);
    const count = joined.members.length;
    const assignments = joined.members.map(({ memberId }, index) => ({
      memberId,
      assignment: encodeConsumerProtocolAssignment({
        version: 0,
        assignedPartitions: [
          { topic, partitions: [...Array(partitions).keys()].filter((partition) => partition % count === index) },
        ],
      }),
    }));
    const { errorCode } = await evenWithErrors(
      syncGroupV5.api.async(
        this.#connection,
        group,
        joined.generationId,
        this.#memberId,
        null,
        PROTOCOL_TYPE,
        PROTOCOL,
        joined.leader === this.#memberId ? assignments : [],
      ),
    );
    return errorCode === 0 ? joined.generationId : null;
  }
}
