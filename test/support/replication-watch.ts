/**
 * What must hold at every moment of a simulated cluster, seen from outside all brokers:
 *
 *  - an offset that was committed once (below a leader's high watermark) holds the same record for ever;
 *  - every member of the ISR that the controller has written holds everything committed, so that whoever of them is
 *    elected loses nothing;
 *  - an acknowledged record is committed, at the offset that was told, and held by every member of the ISR;
 *  - the high watermark of a leader epoch never goes back;
 *  - after the storm all replicas are in the ISR and hold the same records, and everything acknowledged is among
 *    them.
 */
import type { ControllerState } from './simulated-controller.ts';
import type { ReplicaView } from './replica-storage.ts';
import type { StoredRecord } from './simulated-log.ts';

type Replicas = ReadonlyMap<number, ReplicaView>;

export class ReplicationWatch {
  readonly violations: string[] = [];
  readonly #committed: StoredRecord[] = [];
  readonly #acknowledged = new Map<number, number>();
  readonly #highWatermarks = new Map<string, number>();

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  fail(what: string): void {
    this.violations.push(what);
  }

  onCommitted(brokerId: number, leaderEpoch: number, previous: number, { records, highWatermark }: ReplicaView): void {
    const key = `${brokerId}@${leaderEpoch}`;
    const known = this.#highWatermarks.get(key) ?? 0;
    if (highWatermark < known)
      this.fail(`the high watermark of epoch ${leaderEpoch} went back from ${known} to ${highWatermark}`);
    this.#highWatermarks.set(key, highWatermark);
    for (let offset = Math.min(previous, this.#committed.length); offset < highWatermark; offset++) {
      const record = records?.[offset];
      const committed = this.#committed[offset];
      if (record === undefined) this.fail(`broker ${brokerId} commits offset ${offset} without having it`);
      else if (committed === undefined) this.#committed[offset] = record;
      else if (!isSame(record, committed))
        this.fail(`offset ${offset} was ${print(committed)} and becomes ${print(record)} in epoch ${leaderEpoch}`);
    }
  }

  onCrashed(brokerId: number): void {
    for (const key of [...this.#highWatermarks.keys()])
      if (key.startsWith(`${brokerId}@`)) this.#highWatermarks.delete(key);
  }

  onStateChanged({ isr, leaderEpoch }: ControllerState, replicas: Replicas): void {
    for (const brokerId of isr) this.#checkHoldsCommitted(brokerId, replicas, `in the ISR of epoch ${leaderEpoch}`);
  }

  onAcknowledged(firstOffset: number, values: readonly number[], state: ControllerState, replicas: Replicas): void {
    values.forEach((value, index) => {
      const offset = firstOffset + index;
      this.#acknowledged.set(value, offset);
      if (this.#committed[offset]?.value !== value)
        this.fail(`value ${value} is acknowledged at ${offset} uncommitted`);
    });
    this.onStateChanged(state, replicas);
  }

  onCalm(state: ControllerState, replicas: Replicas, brokerIds: readonly number[]): void {
    const leaderRecords = replicas.get(state.leader)?.records ?? null;
    if (leaderRecords === null) {
      this.fail('there is no leader after the storm');
      return;
    }
    if (state.isr.length !== brokerIds.length) this.fail(`the ISR is ${state.isr.join(',')} after the storm`);
    for (const [value, offset] of this.#acknowledged)
      if (leaderRecords[offset]?.value !== value) this.fail(`value ${value}, acknowledged at ${offset}, is lost`);
    for (const [brokerId, { records, highWatermark }] of replicas) {
      const endOffset = records?.length ?? -1;
      if (endOffset !== leaderRecords.length || highWatermark !== leaderRecords.length)
        this.fail(
          `after the storm broker ${brokerId} ends at ${endOffset} (committed ${highWatermark}), the leader at ` +
            `${leaderRecords.length}`,
        );
      records?.forEach((record, offset) => {
        const other = leaderRecords[offset];
        if (other !== undefined && !isSame(record, other)) this.fail(`brokers differ at offset ${offset}`);
      });
    }
  }

  #checkHoldsCommitted(brokerId: number, replicas: Replicas, where: string): void {
    const records = replicas.get(brokerId)?.records ?? null;
    if (records === null) return;
    for (let offset = this.#committed.length - 1; offset >= 0; offset--) {
      const committed = this.#committed[offset];
      const record = records[offset];
      if (committed === undefined || (record !== undefined && isSame(record, committed))) continue;
      const has = record === undefined ? 'nothing' : print(record);
      this.fail(`broker ${brokerId}, ${where}, has ${has} at the committed offset ${offset}, not ${print(committed)}`);
      return;
    }
  }
}

function isSame(one: StoredRecord, other: StoredRecord): boolean {
  return one.value === other.value && one.leaderEpoch === other.leaderEpoch;
}

function print({ value, leaderEpoch }: StoredRecord): string {
  return `value ${value} of epoch ${leaderEpoch}`;
}
