/** Servers that ended under `npm start` and were brought back by hand. */
import { expect, test } from 'vitest';
import { farewell, type FallenServer, FallenServers } from '../../../src/cli/fallen-servers.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const third: FallenServer = {
  name: 'broker 3',
  port: 9094,
  stopCommand: 'bin/kafka-server-stop.sh --node-id=3',
  needsZooKeeper: true,
};
const zookeeper: FallenServer = {
  name: 'ZooKeeper',
  port: 2181,
  stopCommand: 'bin/zookeeper-server-stop.sh',
  needsZooKeeper: false,
};

function stage() {
  const clock = new ManualClock();
  const listening = new Set<number>();
  const asked: number[] = [];
  const told: string[] = [];
  const servers = new FallenServers({
    clock,
    isListening: async (port) => {
      asked.push(port);
      return listening.has(port);
    },
    onReturn: ({ name }) => told.push(`${name} is up`),
    onFall: ({ name }) => told.push(`${name} is down`),
    onFailure: (error) => {
      throw error;
    },
  });
  const seconds = async (count: number): Promise<void> => {
    for (let second = 0; second < count; second++) {
      clock.advance(1000);
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
  };
  return { servers, listening, asked, told, seconds };
}

test('a server is asked for every second while it is down, and its return and next fall are told once', async () => {
  const { servers, listening, asked, told, seconds } = stage();
  servers.add(third);
  await seconds(3);
  expect([asked, told]).toEqual([[9094, 9094, 9094], []]);
  listening.add(9094);
  await seconds(4);
  expect(asked).toHaveLength(5);
  expect(told).toEqual(['broker 3 is up']);
  listening.delete(9094);
  await seconds(6);
  expect(told).toEqual(['broker 3 is up', 'broker 3 is down']);
});

test('nothing is asked or told when the cluster stops, but who runs then is known', async () => {
  const { servers, listening, told, asked, seconds } = stage();
  servers.add(third);
  servers.add(zookeeper);
  servers.stop();
  listening.add(9094);
  await seconds(2);
  expect([asked, told]).toEqual([[], []]);
  expect(await servers.running()).toEqual([third]);
});

test('the last words name what still runs and the command that stops it', () => {
  expect(farewell('/data', [])).toBe('Stopped. The data is in /data\n');
  expect(farewell('/data', [third])).toBe(
    'Stopped, but for what was started by hand. The data is in /data\n' +
      'broker 3 was started by hand and still runs, without ZooKeeper now.\n' +
      'To stop it, Ctrl-C in its terminal or\n' +
      '  bin/kafka-server-stop.sh --node-id=3\n',
  );
  expect(farewell('/data', [zookeeper, third])).not.toContain('without ZooKeeper');
});
