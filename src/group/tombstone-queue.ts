/**
 * @pure Deletes offsets and groups, many of them in slices: a batch must fit the log's largest, and nobody else's
 * request shall wait for a million tombstones. What fits one slice is deleted all at once.
 *
 * Guarantees: an offset is only deleted as long as it is the one that was meant; a commit that came between stays. A
 * group is only deleted while it is empty, and after its last offset; one that may not be deleted loses nothing.
 */
import type { Ticket } from '../coordinator/shard.ts';
import { Errors, type ErrorName } from '../protocol/errors.ts';
import type { Decision } from './decision.ts';
import type { CommittedOffset, Group } from './group.ts';
import type { OffsetStore, StoredOffset } from './offset-store.ts';
import { offsetTombstone } from './offsets.ts';
import { timerKey } from './timer-key.ts';

/** Of a batch of tombstones, about: well below the 1 MiB that a log takes by default. */
const SLICE_BYTES = 256 * 1024;
/** Of a tombstone besides its ids. */
const RECORD_BYTES = 32;
/** When the log has refused the tombstones of a topic that is gone. */
const RETRY_DELAY_MS = 10_000;

export const TOMBSTONES_TIMER = 'tombstones';

/**
 * Why an offset goes: those of a topic that is gone are tried again, what has expired is found again, and what a
 * deleted group leaves goes only as long as that group may be deleted.
 */
type Reason = 'topicGone' | 'expired' | 'groupDeleted';

type Entry =
  | { readonly kind: 'offset'; readonly stored: StoredOffset; readonly reason: Reason }
  /** Waited for by a DeleteGroups, or expired (null). */
  | { readonly kind: 'group'; readonly groupId: string; readonly ticket: Ticket | null };

/** What one batch deletes: in the store all of it is still there. */
interface Slice {
  readonly deleted: Set<CommittedOffset>;
  /** How many of each group. */
  readonly deletedOf: Map<string, number>;
}

export class TombstoneQueue {
  readonly #store: OffsetStore;
  readonly #group: (groupId: string) => Group | undefined;
  #entries: Entry[] = [];

  constructor(store: OffsetStore, group: (groupId: string) => Group | undefined) {
    this.#store = store;
    this.#group = group;
  }

  /** Offsets of a topic that does not exist any more. */
  addTopicGone(stored: StoredOffset): void {
    this.#entries.push({ kind: 'offset', stored, reason: 'topicGone' });
  }

  addExpired(stored: StoredOffset): void {
    this.#entries.push({ kind: 'offset', stored, reason: 'expired' });
  }

  /** The group itself, when it is still unused by then. */
  addUnusedGroup(groupId: string): void {
    this.#entries.push({ kind: 'group', groupId, ticket: null });
  }

  /** The group with all it has. The ticket gets an element of DeleteGroups' results. */
  addDeletion(groupId: string, ticket: Ticket): void {
    for (const stored of this.#store.ofGroup(groupId))
      this.#entries.push({ kind: 'offset', stored, reason: 'groupDeleted' });
    this.#entries.push({ kind: 'group', groupId, ticket });
  }

  /** The next slice; the timer goes on with the rest. */
  drain(decision: Decision): void {
    const slice: Slice = { deleted: new Set(), deletedOf: new Map() };
    const taken: Entry[] = [];
    let bytes = 0;
    while (bytes < SLICE_BYTES) {
      const entry = this.#entries[taken.length];
      if (entry === undefined) break;
      taken.push(entry);
      if (entry.kind === 'offset') bytes += this.#deleteOffset(entry, slice, decision);
      else bytes += this.#deleteGroup(entry, slice, decision);
    }
    this.#entries.splice(0, taken.length);
    if (this.#entries.length > 0) decision.setTimer(timerKey(TOMBSTONES_TIMER, ''), 0);
    decision.whenRefused((error, instead) => this.#refused(taken, error, instead));
  }

  #deleteOffset({ stored, reason }: Entry & { kind: 'offset' }, slice: Slice, decision: Decision): number {
    const { groupId, topic, partition, offset } = stored;
    // A group with members keeps what it has, also when they came between two slices.
    if (reason === 'groupDeleted' && (this.#group(groupId)?.deleteError() ?? null) !== null) return 0;
    // It may have been meant twice, and is still there until the slice is in the log.
    if (slice.deleted.has(offset) || this.#store.get(groupId, topic, partition) !== offset) return 0;
    decision.record(offsetTombstone(groupId, topic, partition));
    slice.deleted.add(offset);
    slice.deletedOf.set(groupId, (slice.deletedOf.get(groupId) ?? 0) + 1);
    return RECORD_BYTES + Buffer.byteLength(groupId) + Buffer.byteLength(topic);
  }

  #deleteGroup(entry: Entry & { kind: 'group' }, slice: Slice, decision: Decision): number {
    const { groupId, ticket } = entry;
    const group = this.#group(groupId);
    const error = group === undefined ? 'GROUP_ID_NOT_FOUND' : group.deleteError();
    if (group === undefined || error !== null) {
      if (ticket !== null) decision.reply(ticket, deletionResult(groupId, error ?? 'GROUP_ID_NOT_FOUND'));
      return 0;
    }
    const isLast = this.#store.countOf(groupId) === (slice.deletedOf.get(groupId) ?? 0);
    if (ticket === null && (!isLast || !group.isUnused)) return 0;
    if (!isLast && ticket !== null) {
      // Somebody has committed meanwhile: those offsets have to go before the group.
      this.addDeletion(groupId, ticket);
      return 0;
    }
    const tombstones = group.tombstones();
    decision.record(...tombstones);
    if (ticket !== null) decision.reply(ticket, deletionResult(groupId, 'NONE'));
    return tombstones.length * (RECORD_BYTES + Buffer.byteLength(groupId));
  }

  #refused(taken: readonly Entry[], error: ErrorName, decision: Decision): void {
    const left: Entry[] = [];
    const waiting = new Map<Ticket, string>();
    for (const entry of [...taken, ...this.#entries]) {
      if (entry.kind === 'offset' && entry.reason === 'topicGone') left.push(entry);
      if (entry.kind === 'group' && entry.ticket !== null) waiting.set(entry.ticket, entry.groupId);
    }
    for (const [ticket, groupId] of waiting) decision.replyNow(ticket, deletionResult(groupId, error));
    this.#entries = left;
    const key = timerKey(TOMBSTONES_TIMER, '');
    if (left.length > 0) decision.setTimer(key, RETRY_DELAY_MS);
    else decision.cancelTimer(key);
  }
}

export interface DeletionResult {
  readonly groupId: string;
  readonly errorCode: number;
}

export function deletionResult(groupId: string, error: ErrorName): DeletionResult {
  return { groupId, errorCode: Errors[error] };
}
