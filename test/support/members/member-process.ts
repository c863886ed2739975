/** What the members in TypeScript have in common: settings from the command line, events as lines of JSON. */
import type { MemberEvent, MemberSettings } from '../group-member.ts';

export function memberSettings(): MemberSettings {
  return JSON.parse(process.argv[2] ?? '') as MemberSettings;
}

/** Writes to a pipe at once, so what was told stays told when the process is killed. */
export function tell(event: MemberEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

export function whenAskedToStop(): Promise<void> {
  return new Promise((resolve) => process.once('SIGTERM', () => resolve()));
}
