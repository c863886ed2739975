/** What the commands of a group's story have in common: a list, the group, the member. */
import type { ScriptArguments } from './script.ts';

export function list(text: string): string[] {
  return text === '' ? [] : text.split(',');
}

export function groupOf(args: ScriptArguments): { groupId: string } {
  return { groupId: args.text('g', 'g') };
}

export function memberOf(args: ScriptArguments) {
  return {
    ...groupOf(args),
    memberId: args.text('member', ''),
    groupInstanceId: args.has('instance') ? args.text('instance') : null,
    generationId: args.number('gen'),
  };
}
