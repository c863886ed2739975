/**
 * `npm start` and the tutorial's commands, as a newcomer types them: the cluster comes up, takes and gives records,
 * says when something is wrong, stops cleanly and has its data when it starts again.
 */
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runningProcesses } from '../../src/cli/processes.ts';
import { isPortFree } from '../../src/net/port-check.ts';
import { run, startProcess } from '../support/child-process.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'src/cli/start-cluster.ts');

let directory: string;
let port: number;
let httpPort: number;
let args: string[];
let running: Cluster | null = null;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'barnabas-start-'));
  port = await threeFreePorts();
  httpPort = await threeFreePorts();
  const others = ['--zookeeper-port', String(await freePort()), '--http-port', String(httpPort)];
  args = ['--data', directory, '--port', String(port), ...others];
});
afterEach(async () => {
  await running?.stop();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function threeFreePorts(): Promise<number> {
  for (;;) {
    const first = await freePort();
    const others = await Promise.all([1, 2].map((next) => isPortFree('127.0.0.1', first + next)));
    if (others.every((isFree) => isFree)) return first;
  }
}

class Cluster {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  output = '';
  readonly #news = new EventEmitter();

  constructor() {
    this.process = startProcess(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.process, 'exit');
    this.process.once('exit', () => this.#news.emit('news'));
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (bytes: Buffer) => {
        this.output += bytes;
        this.#news.emit('news');
      });
  }

  /** Resolves when it has printed that. */
  async says(text: string | RegExp): Promise<void> {
    const isSaid = (): boolean => (typeof text === 'string' ? this.output.includes(text) : text.test(this.output));
    while (!isSaid()) {
      if (this.process.exitCode !== null) throw new Error(`it ended (${this.process.exitCode}):\n${this.output}`);
      await once(this.#news, 'news');
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    if (this.process.exitCode === null) this.process.kill(signal);
    await this.exited;
    return this.process.exitCode;
  }
}

async function start(): Promise<Cluster> {
  running = new Cluster();
  await running.says('Ctrl-C stops everything.');
  return running;
}

const script = (name: string, commandArgs: string[], input = '') =>
  run(join(ROOT, 'bin', name), [...commandArgs, '--bootstrap-server', `localhost:${port}`], {
    input,
    timeoutMs: 30_000,
  });

test('the tutorial works against a cluster that was just started, and finds its data after a restart', async () => {
  const cluster = await start();
  expect(cluster.output).toMatch(/ZooKeeper +127\.0\.0\.1:\d+ /);
  for (const id of [1, 2, 3]) {
    const http = `localhost:${httpPort + id - 1}`;
    expect(cluster.output).toMatch(new RegExp(`broker ${id} +localhost:${port + id - 1} +${http} `));
    expect((await fetch(`http://${http}/health/ready`)).status).toBe(200);
  }
  const [page = ''] = /http:\S+\/docs$/m.exec(cluster.output) ?? [];
  expect((await fetch(page)).headers.get('content-type')).toMatch(/^text\/html/);

  expect((await script('kafka-topics.sh', ['--create', '--topic', 'first-topic'])).stdout).toBe(
    'Created topic first-topic.\n',
  );
  const three = ['--replication-factor', '3', '--partitions', '3', '--topic', 'kinaction_helloworld'];
  expect((await script('kafka-topics.sh', ['--create', ...three])).stdout).toMatch(
    /Created topic kinaction_helloworld\.\n$/,
  );
  expect((await script('kafka-topics.sh', ['--list'])).stdout).toBe('first-topic\nkinaction_helloworld\n');
  const { stdout: described } = await script('kafka-topics.sh', ['--describe', '--topic', 'kinaction_helloworld']);
  expect(described).toMatch(/^Topic: kinaction_helloworld\tTopicId: \S{22}\tPartitionCount: 3\tReplicationFactor: 3\t/);
  expect(described.match(/^\tTopic: kinaction_helloworld\tPartition: \d\tLeader: [123]\tReplicas: /gm)).toHaveLength(3);

  const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`);
  const produced = await script('kafka-console-producer.sh', ['--topic', 'kinaction_helloworld'], lines.join('\n'));
  expect([produced.exitCode, produced.stdout]).toEqual([0, '']);
  const consume = ['--topic', 'kinaction_helloworld', '--from-beginning', '--max-messages', '500'];
  const consumed = await script('kafka-console-consumer.sh', consume);
  expect(consumed.stdout.split('\n').sort()).toEqual([...lines, ''].sort());
  expect(consumed.stderr).toBe('Processed a total of 500 messages\n');

  expect((await script('kafka-topics.sh', ['--alter', '--topic', 'first-topic', '--partitions', '2'])).exitCode).toBe(
    0,
  );
  const offsets = await script('kafka-get-offsets.sh', ['--topic', 'first-topic']);
  expect(offsets.stdout).toBe('first-topic:0:0\nfirst-topic:1:0\n');
  const versions = await script('kafka-broker-api-versions.sh', []);
  expect(versions.stdout.match(/^localhost:\d+ \(id: [123] rack: null\) -> \($/gm)).toHaveLength(3);

  expect(await cluster.stop()).toBe(0);
  expect(cluster.output).toContain('Stopped. The data is in');
  await start();
  const again = await script('kafka-console-consumer.sh', consume);
  expect(again.stdout.split('\n').sort()).toEqual([...lines, ''].sort());
});

test('a second cluster at the same ports names the ports that are taken', async () => {
  await start();
  const second = await run(process.execPath, [PROGRAM, ...args], { timeoutMs: 30_000 });
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toContain(`Port ${port}, which broker 1 needs, is in use.`);
  expect(second.stderr).toContain('Is the cluster running already?');
});

test('a second cluster at other ports keeps away from the data of the first', async () => {
  const cluster = await start();
  const zookeeper = join(directory, 'zookeeper');
  const before = [readFileSync(join(zookeeper, 'zoo.cfg'), 'utf8'), readdirSync(join(zookeeper, 'version-2'))];
  const ports = ['--port', '--zookeeper-port', '--http-port'].map(async (name) => [name, `${await threeFreePorts()}`]);
  const others = (await Promise.all(ports)).flat();
  const second = await run(process.execPath, [PROGRAM, '--data', directory, ...others], { timeoutMs: 30_000 });
  expect([second.exitCode, second.stdout]).toEqual([1, '']);
  expect(second.stderr).toMatch(/^The cluster in \S+ is running already: its ZooKeeper is process \d+\./);
  expect(second.stderr).toContain(`\nor start another one beside it: npm start -- --data ${directory}2 --port `);
  expect([readFileSync(join(zookeeper, 'zoo.cfg'), 'utf8'), readdirSync(join(zookeeper, 'version-2'))]).toEqual(before);
  expect(await cluster.stop()).toBe(0);
});

test('data that cannot be written are named, with what to do about it', async () => {
  const file = join(directory, 'a-file');
  writeFileSync(file, '');
  const { exitCode, stderr } = await run(process.execPath, [PROGRAM, '--data', file, ...args.slice(2)]);
  expect([exitCode, stderr]).toEqual([
    1,
    `The data cannot be kept in ${file}: ${file}/zookeeper (Not a directory)\n` +
      'See to who may write there, or choose another directory: npm start -- --data <directory>\n',
  ]);
});

test('a broker that dies is reported, its return by hand noticed, and SIGTERM leaves and names it', async () => {
  const cluster = await start();
  const victim = runningProcesses().find(({ command }) => command.includes(`log.dirs=${directory}/kafka2`));
  process.kill(victim?.pid ?? Number.NaN, 'SIGKILL');
  await cluster.says('broker 2 has ended (SIGKILL); the others go on.');
  expect((await script('kafka-topics.sh', ['--list'])).exitCode).toBe(0);
  await cluster.says(/To bring it back.*:\n(?: .*\n)+/);
  const [, command = ''] = /To bring it back.*:\n((?: .*\n)+)/.exec(cluster.output) ?? [];
  const again = startProcess('sh', ['-c', `exec ${command.trim()}`], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  again.stdout?.on('data', (bytes: Buffer) => {
    said += bytes;
  });
  await eventually(() => said.includes('[KafkaServer id=2] started'));
  await cluster.says('✓ broker 2 is back, started by hand\n');
  expect(await cluster.stop('SIGTERM')).toBe(1);
  expect(cluster.output).not.toContain('Stopped. ');
  expect(cluster.output).toContain('broker 2 was started by hand and still runs, without ZooKeeper now.\n');
  expect(cluster.output).toContain('\n  bin/kafka-server-stop.sh --node-id=2\n');
  again.kill('SIGTERM');
  await once(again, 'exit');
  for (const offset of [0, 1, 2]) expect(await isPortFree('127.0.0.1', port + offset)).toBe(true);
});
