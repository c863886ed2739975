/** The rules of the consumer protocol as stories: test/scripts/consumer-group. */
import { describe } from 'vitest';
import { consumerGroupCommands } from '../../support/consumer-group-commands.ts';
import { itPlaysScripts } from '../../support/script.ts';

describe('a group of the consumer protocol', () => {
  itPlaysScripts('test/scripts/consumer-group', consumerGroupCommands);
});
