/** The rules of groups and of their offsets as stories: test/scripts/group. */
import { describe } from 'vitest';
import { groupCommands } from '../../support/group-commands.ts';
import { itPlaysScripts } from '../../support/script.ts';

describe('a shard of groups', () => {
  itPlaysScripts('test/scripts/group', groupCommands);
});
