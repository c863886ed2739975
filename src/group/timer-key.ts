/**
 * @pure The names of the timers of groups. Ids are free text, so their lengths are part of the name: no two timers
 * share one, and a name can be taken apart again.
 */

/** What a timer is for; `memberId` is '' for timers of a whole group. */
export interface TimerName {
  readonly kind: string;
  readonly groupId: string;
  readonly memberId: string;
}

export function timerKey(kind: string, groupId: string, memberId = ''): string {
  return `${kind}:${groupId.length}:${groupId}${memberId}`;
}

/** The reverse of timerKey. */
export function parseTimerKey(key: string): TimerName {
  const kindEnd = key.indexOf(':');
  const lengthEnd = key.indexOf(':', kindEnd + 1);
  const groupEnd = lengthEnd + 1 + Number(key.slice(kindEnd + 1, lengthEnd));
  return { kind: key.slice(0, kindEnd), groupId: key.slice(lengthEnd + 1, groupEnd), memberId: key.slice(groupEnd) };
}
