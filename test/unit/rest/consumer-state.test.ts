/** What a consumer instance knows of its partitions, as stories: test/scripts/rest-consumer. */
import { describe } from 'vitest';
import { consumerStateCommands } from '../../support/consumer-state-commands.ts';
import { itPlaysScripts } from '../../support/script.ts';

describe('the partitions of a consumer instance', () => {
  itPlaysScripts('test/scripts/rest-consumer', consumerStateCommands);
});
