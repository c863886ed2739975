/**
 * What producers did and what was read afterwards, and whether the two agree.
 *
 * Every record that was sent is in one of three classes: `ok` was acknowledged, `fail` was refused with an error that
 * guarantees that it was not written, `info` is anything else: it may be there or not, but never twice.
 */
import type { ReadRecord } from './wire-client.ts';

export type Outcome = 'ok' | 'fail' | 'info';

export interface Sent {
  readonly value: string;
  readonly partition: number;
  outcome: Outcome;
  /** Where the acknowledgement said that the record is; -1 when it did not say. */
  offset: number;
}

/**
 * The sentences that are wrong; empty when every acknowledged record was read exactly once, in order, where it should
 * be.
 */
export function judgeHistory(
  sent: readonly Sent[],
  read: ReadonlyMap<number, readonly ReadRecord[]>,
  limit = 20,
): string[] {
  const problems: string[] = [];
  for (const [partition, records] of read) {
    const ofPartition = sent.filter((entry) => entry.partition === partition);
    problems.push(...judgePartition(partition, ofPartition, records));
  }
  for (const { partition, value, outcome } of sent)
    if (outcome === 'ok' && !read.has(partition))
      problems.push(`partition ${partition} was not read, ${value} is in it`);
  return problems.length > limit ? [...problems.slice(0, limit), `… and ${problems.length - limit} more`] : problems;
}

function judgePartition(partition: number, sent: readonly Sent[], read: readonly ReadRecord[]): string[] {
  const problems: string[] = [];
  const say = (problem: string): void => {
    problems.push(`partition ${partition}: ${problem}`);
  };
  const sequence = new Map(sent.map((entry, index) => [entry.value, index]));
  if (sequence.size !== sent.length) throw new Error('the values that are sent must all be different');
  const offsets = new Map<string, number>();
  let lastOffset = -1;
  let lastSequence = -1;
  for (const { offset, value } of read) {
    if (offset <= lastOffset) say(`offset ${offset} comes after ${lastOffset}`);
    lastOffset = offset;
    const index = sequence.get(value);
    const before = offsets.get(value);
    if (index === undefined) say(`${value} at offset ${offset} was never sent`);
    else if (before !== undefined) say(`${value} is at offset ${before} and again at ${offset}`);
    else if (index < lastSequence) say(`${value} at offset ${offset} stands after a record that was sent later`);
    if (before === undefined) offsets.set(value, offset);
    lastSequence = Math.max(lastSequence, index ?? -1);
  }
  for (const { value, outcome, offset } of sent) {
    const found = offsets.get(value);
    if (outcome === 'ok' && found === undefined) say(`${value} was acknowledged at offset ${offset} and is lost`);
    if (outcome === 'ok' && found !== undefined && offset >= 0 && found !== offset)
      say(`${value} was acknowledged at offset ${offset} and is at ${found}`);
    if (outcome === 'fail' && found !== undefined) say(`${value} was refused and is at offset ${found}`);
  }
  return problems;
}
