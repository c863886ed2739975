/**
 * @pure One member of a classic group: what it joined with, what it was assigned, and the requests of it that wait.
 * Kafka: ClassicGroupMember. Metadata and assignments are bytes that only the members understand; they are kept as
 * they were decoded, which is a copy of the frame's.
 */
import type { Ticket } from '../coordinator/shard.ts';
import type { GroupRecordValue } from '../protocol/internal/group-record.ts';

/** An assignor or its like that the member offers, with what it says about itself under it. */
export interface ClassicProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export const NO_BYTES: Buffer = Buffer.alloc(0);

export type StoredMember = GroupRecordValue<'groupMetadata'>['members'][number];

export interface ClassicGroupMemberOptions {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** In the order of preference, each name once. */
  readonly protocols: readonly ClassicProtocol[];
  readonly assignment?: Buffer;
}

export class ClassicGroupMember {
  readonly memberId: string;
  /** What makes the member static (KIP-345): it keeps its place over a restart. */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  protocols: readonly ClassicProtocol[];
  assignment: Buffer;
  /** Its JoinGroup that waits for the others. */
  joinTicket: Ticket | null = null;
  /** Its SyncGroup that waits for the leader's. */
  syncTicket: Ticket | null = null;
  /** Has not seen the end of a rebalance yet, so it cannot send heartbeats: it is timed out while it waits. */
  isNew = false;

  constructor(options: ClassicGroupMemberOptions) {
    this.memberId = options.memberId;
    this.groupInstanceId = options.groupInstanceId;
    this.clientId = options.clientId;
    this.clientHost = options.clientHost;
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs;
    this.sessionTimeoutMs = options.sessionTimeoutMs;
    this.protocols = options.protocols;
    this.assignment = options.assignment ?? NO_BYTES;
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null;
  }

  /** A member that waits for us needs no heartbeats; a new one may have gone away while it waits. */
  get hasSatisfiedHeartbeat(): boolean {
    return !this.isNew && (this.joinTicket !== null || this.syncTicket !== null);
  }

  /** What it says about itself under a protocol; null if it does not offer it. */
  metadata(protocolName: string | null): Buffer | null {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? null;
  }

  /** Is this what it joined with already, in the same order? */
  matches(protocols: readonly ClassicProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, index) => {
        const own = this.protocols[index];
        return own !== undefined && own.name === name && own.metadata.equals(metadata);
      })
    );
  }

  /** The protocol it likes best among those that all members offer. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name;
  }

  toRecord(protocolName: string, assignment: Buffer): StoredMember {
    return {
      memberId: this.memberId,
      groupInstanceId: this.groupInstanceId,
      clientId: this.clientId,
      clientHost: this.clientHost,
      rebalanceTimeout: this.rebalanceTimeoutMs,
      sessionTimeout: this.sessionTimeoutMs,
      subscription: this.metadata(protocolName) ?? NO_BYTES,
      assignment,
    };
  }

  /** The member of a record that was read back: of its protocols only the one that was selected is known. */
  static fromRecord(stored: StoredMember, protocolName: string): ClassicGroupMember {
    return new ClassicGroupMember({
      memberId: stored.memberId,
      groupInstanceId: stored.groupInstanceId,
      clientId: stored.clientId,
      clientHost: stored.clientHost,
      // Records of v0 have no rebalance timeout.
      rebalanceTimeoutMs: stored.rebalanceTimeout === -1 ? stored.sessionTimeout : stored.rebalanceTimeout,
      sessionTimeoutMs: stored.sessionTimeout,
      protocols: [{ name: protocolName, metadata: stored.subscription }],
      assignment: stored.assignment,
    });
  }

  /** Is this record about the member as it is here, apart from the assignment and from protocols not selected? */
  isSameAs(stored: StoredMember, protocolName: string): boolean {
    return (
      stored.memberId === this.memberId &&
      stored.groupInstanceId === this.groupInstanceId &&
      stored.clientId === this.clientId &&
      stored.clientHost === this.clientHost &&
      stored.sessionTimeout === this.sessionTimeoutMs &&
      stored.rebalanceTimeout === this.rebalanceTimeoutMs &&
      (this.metadata(protocolName)?.equals(stored.subscription) ?? false)
    );
  }
}
