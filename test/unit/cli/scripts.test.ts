/** The scripts of bin/: which there are, where they may be called from, how quick they are. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';

const BIN = resolve(import.meta.dirname, '../../../bin');
const RUN = resolve(BIN, '../src/cli/run.ts');
const NOT_COMMANDS = ['launch.sh', 'docker-entrypoint.sh'];
const SCRIPTS = readdirSync(BIN).filter((name) => !NOT_COMMANDS.includes(name));

function call(script: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const { status, stdout, stderr } = spawnSync(script, args, { encoding: 'utf8', ...options });
  return { status, stdout, stderr };
}

test('the scripts of the tutorials are there', () => {
  expect(SCRIPTS).toEqual([
    'kafka-broker-api-versions.sh',
    'kafka-configs.sh',
    'kafka-console-consumer.sh',
    'kafka-console-producer.sh',
    'kafka-consumer-groups.sh',
    'kafka-delete-records.sh',
    'kafka-dump-log.sh',
    'kafka-get-offsets.sh',
    'kafka-leader-election.sh',
    'kafka-log-dirs.sh',
    'kafka-server-start.sh',
    'kafka-server-stop.sh',
    'kafka-topics.sh',
    'zookeeper-server-start.sh',
    'zookeeper-server-stop.sh',
  ]);
});

test('every script can be executed and starts a command that exists', () => {
  const commands = readFileSync(RUN, 'utf8');
  for (const script of SCRIPTS) {
    const file = join(BIN, script);
    expect(statSync(file).mode & 0o111, script).toBe(0o111);
    const [, program = '', command = ''] =
      /launch(?:\.sh)?" (?:-daemon \S+ )?(\S+) (\S+)/.exec(readFileSync(file, 'utf8')) ?? [];
    expect(['src/cli/run.ts', 'src/main.ts'], script).toContain(program);
    if (program === 'src/cli/run.ts') expect(commands).toContain(`['${command}', () => import('./${command}.ts')]`);
  }
});

test('--help names every option on stderr and leaves with 1, as Kafka’s tools do', () => {
  const { status, stdout, stderr } = call(join(BIN, 'kafka-topics.sh'), ['--help']);
  expect([status, stdout]).toEqual([1, '']);
  for (const option of ['--bootstrap-server <host:port>', '--create', '--if-not-exists', '--help'])
    expect(stderr).toContain(option);
});

test.each(['kafka-console-consumer.sh', 'kafka-server-start.sh'])(
  '%s --version prints the version of Kafka that is spoken',
  (script) => {
    const { status, stdout } = call(join(BIN, script), ['--version']);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^3\.9\.0 \(Barnabas \d+\.\d+\.\d+\)\n$/)]);
  },
);

test('a script works through a link, from any directory, with relative files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'barnabas-bin-'));
  try {
    symlinkSync(join(BIN, 'kafka-dump-log.sh'), join(directory, 'kafka-dump-log'));
    symlinkSync(join(directory, 'kafka-dump-log'), join(directory, 'again'));
    const { status, stdout, stderr } = call('./again', ['--files', '00.log'], { cwd: directory });
    expect([status, stdout, stderr]).toEqual([
      1,
      'Dumping 00.log\nLog starting offset: 0\n',
      '00.log (No such file or directory)\n',
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('kafka-server-start.sh without a file prints its usage', () => {
  const { status, stderr } = call(join(BIN, 'kafka-server-start.sh'), []);
  expect(status).toBe(1);
  expect(stderr).toContain('USAGE: kafka-server-start.sh [-daemon] server.properties [--override property=value]*');
});

test('-daemon says where the log is, and keeps what was in it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'barnabas-daemon-'));
  const log = join(directory, 'new', 'kafkaServer.out');
  const starts = (): number =>
    readFileSync(log, 'utf8').match(/Missing required configuration `zookeeper/g)?.length ?? 0;
  try {
    for (const count of [1, 2]) {
      const env = { ...process.env, LOG_DIR: join(directory, 'new') };
      const { status, stdout } = call(join(BIN, 'kafka-server-start.sh'), ['-daemon', '/dev/null'], { env });
      expect(status).toBe(0);
      expect(stdout).toMatch(/^Started in the background \(process \d+\)\. Its log: /);
      expect(stdout).toContain(log);
      await eventually(() => expect(starts()).toBe(count));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.each(['kafka-server-start.sh', 'zookeeper-server-start.sh'])('%s -daemon without a file says so', (script) => {
  const { status, stderr } = call(join(BIN, script), ['-daemon']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/\[-daemon\] (server|zookeeper)\.properties/);
});

test('a configuration with problems ends the start with all of them and exit code 1', () => {
  const args = ['/dev/null', '--override', 'num.partitions=x', '--override', 'log.dirs=,'];
  const { status, stdout, stderr } = call(join(BIN, 'kafka-server-start.sh'), args);
  expect(status).toBe(1);
  const told = stdout + stderr;
  expect(told).toContain('Invalid value x for configuration num.partitions: Not a number of type INT');
  expect(told).toContain('At least one log directory must be defined via log.dirs or log.dir.');
  expect(told).toContain('Missing required configuration `zookeeper.connect` which has no default value.');
});

/** The best of several, which is what the machine can do when nobody else wants it. */
function bestMs(count: number, act: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < count; run++) {
    const startedMs = performance.now();
    act();
    best = Math.min(best, performance.now() - startedMs);
  }
  return best;
}

test('--help costs little more than starting Node', () => {
  const bareMs = bestMs(5, () => execFileSync(process.execPath, ['-e', '0']));
  const helpMs = bestMs(5, () => call(join(BIN, 'kafka-topics.sh'), ['--help']));
  expect(helpMs / bareMs).toBeLessThan(6);
});
