/** What is shown of a server's log when it has died. */
import { expect, test } from 'vitest';
import { lastWords } from '../../../src/cli/last-words.ts';

const at = '[2026-01-31 12:00:00,123]';

test('errors are shown with the lines that belong to them, what was in order is not', () => {
  const lines = [
    `${at} INFO Opened the log (kafka.log.LogManager)`,
    `${at} ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)`,
    'Error: no room',
    '    at write (disk.ts:1:1)',
    `${at} INFO shut down (kafka.server.KafkaServer)`,
    '  more of that',
  ];
  expect(lastWords(lines)).toEqual(lines.slice(1, 4));
});

test('ZooKeeper names the thread before the level', () => {
  const error = `${at} [main] ERROR org.apache.zookeeper.server.quorum.QuorumPeerMain - Invalid config`;
  expect(lastWords([`${at} [main] INFO org.apache.zookeeper - ERROR is no level here`, error])).toEqual([error]);
});

test('of many errors the last are shown', () => {
  const lines = Array.from({ length: 40 }, (_, index) => `${at} ERROR ${index} (x)`);
  expect(lastWords(lines)).toEqual(lines.slice(-15));
});

test('of a long error the beginning is shown, and no part of an earlier one', () => {
  const long = [`${at} ERROR broken (x)`, ...Array.from({ length: 40 }, (_, index) => `    at line ${index}`)];
  expect(lastWords([`${at} ERROR earlier (x)`, ...long])).toEqual(long.slice(0, 15));
});

test('Node that is out of memory says so itself', () => {
  const fatal = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
  expect(lastWords([`${at} INFO fine (x)`, '<--- Last few GCs --->', fatal])).toEqual([fatal]);
});

test('a program that fails before it has a log has its complaint shown', () => {
  expect(lastWords(['Error: Could not find or load main class X', ''])).toEqual([
    'Error: Could not find or load main class X',
  ]);
});

test('a server that was killed in the midst of its work has said nothing', () => {
  expect(lastWords([`${at} INFO fine (x)`, '  and more', `${at} WARN nearly (x)`, 'java.io.IOException'])).toEqual([]);
  expect(lastWords([])).toEqual([]);
});
