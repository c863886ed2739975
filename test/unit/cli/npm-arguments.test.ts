/** Options of `npm start` that npm took for its own. */
import { expect, test } from 'vitest';
import { lostToNpm } from '../../../src/cli/npm-arguments.ts';

const NAMES = ['data', 'brokers', 'http-port'];

test('what came after -- has nothing to complain of', () => {
  expect(lostToNpm(NAMES, [], { PATH: '/bin', npm_config_cache: '/tmp' })).toBeNull();
});

test.each([
  ['npm start --brokers 1', ['1'], { npm_config_brokers: 'true' }, '--brokers'],
  ['npm start --brokers=1', [], { npm_config_brokers: '1' }, '--brokers'],
  ['npm start --http-port 99', ['99'], { npm_config_http_port: 'true' }, '--http-port'],
])('%s says where the option goes', (_, rest, environment, option) => {
  expect(lostToNpm(NAMES, rest, environment)).toBe(
    `npm has kept ${option} for itself. Options go after a --, as in: npm start -- ${option} …`,
  );
});

test('words that are no option are not passed over', () => {
  expect(lostToNpm(NAMES, ['1', 'x'], {})).toBe('Not an option: 1 x');
});
