/**
 * @pure How far a reader of a topic has come: the next offset of every partition, as text that fits into the id of an
 * event and comes back in Last-Event-ID: `0:17,1:4@pZKd5vvoQ0mlHgUYsfTrWQ`, with the id of the topic that is meant.
 */

/** Behind the position in the id of the last event of a tail that gave as many records as it was to give. */
const END_MARK = '/end';

export interface TailPosition {
  /** Partition to next offset. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Null when the reader does not say: a person wrote it. */
  readonly topicId: string | null;
}

const ENTRY = /^(\d{1,9}):(\d{1,16})$/;
const TOPIC_ID = /^[\w-]{22}$/;
/** More cannot come: a header has fewer bytes. */
const MAX_TEXT_LENGTH = 16 * 1024;

export function positionText({ offsets, topicId }: TailPosition): string {
  const entries = [...offsets]
    .sort(([left], [right]) => left - right)
    .map(([partition, offset]) => `${partition}:${offset}`)
    .join(',');
  return topicId === null ? entries : `${entries}@${topicId}`;
}

/** @param position as text; empty when it is not known */
export function endMark(position: string): string {
  return position + END_MARK;
}

/** Whether the text is one that endMark gives. */
export function isEndMark(text: string): boolean {
  if (!text.endsWith(END_MARK)) return false;
  const position = text.slice(0, -END_MARK.length);
  return position === '' || parsePosition(position) !== null;
}

/** Null when the text is none that positionText gives. */
export function parsePosition(text: string): TailPosition | null {
  const [entries = '', topicId = null, more] = text.split('@', 3);
  if (text.length > MAX_TEXT_LENGTH || more !== undefined) return null;
  if (topicId !== null && !TOPIC_ID.test(topicId)) return null;
  const offsets = new Map<number, number>();
  for (const entry of entries.split(',')) {
    const match = ENTRY.exec(entry);
    if (match === null) return null;
    const [partition, offset] = [Number(match[1]), Number(match[2])];
    if (!Number.isSafeInteger(offset) || offsets.has(partition)) return null;
    offsets.set(partition, offset);
  }
  return { offsets, topicId };
}
