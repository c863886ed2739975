/** kafka-consumer-groups --reset-offsets against a scripted broker: every way to say where, and what is not done. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedGroups } from '../../support/scripted-groups.ts';

let directory: string;
let scripted: ScriptedGroups;
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'barnabas-groups-'));
  scripted = await ScriptedGroups.start();
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await scripted.broker.close();
});

/** `--reset-offsets` of idle, as topic, partition and new offset. */
async function reset(...args: string[]) {
  const { exitCode, stdout, log } = await scripted.run('--reset-offsets', '--group', 'idle', ...args);
  const rows = stdout.split('\n').filter((line) => line.startsWith('idle'));
  return { exitCode, stdout, log, rows: rows.map((line) => line.split(/\s+/).slice(1, 4).join(' ')) };
}

describe('--reset-offsets', () => {
  it.each([
    [
      ['--to-earliest', '--topic', 'orders:0,2'],
      ['orders 0 10', 'orders 2 10'],
    ],
    [
      ['--to-latest', '--topic', 'orders'],
      ['orders 0 100', 'orders 1 100', 'orders 2 100'],
    ],
    [
      ['--to-current', '--topic', 'orders'],
      ['orders 0 50', 'orders 1 100', 'orders 2 20'],
    ],
    [['--to-offset', '33', '--topic', 'orders:1'], ['orders 1 33']],
    [
      ['--shift-by', '-5', '--topic', 'orders:0,2'],
      ['orders 0 45', 'orders 2 15'],
    ],
    [['--shift-by', '+7', '--topic', 'orders:0'], ['orders 0 57']],
    [['--to-datetime', '2024-01-31T12:00:00.000', '--topic', 'orders:0'], ['orders 0 42']],
    [['--by-duration', 'PT1H', '--topic', 'orders:0'], ['orders 0 42']],
  ])('%j', async (args, rows) => {
    const answer = await reset('--dry-run', ...args);
    expect([answer.exitCode, answer.log, answer.rows]).toEqual([0, '', rows]);
    expect(scripted.committed).toEqual([]);
  });

  it('prints a table and does nothing unless it is told to', async () => {
    const { stdout, log } = await reset('--to-earliest', '--topic', 'orders:0');
    expect(stdout).toBe(
      '\nGROUP                          TOPIC                          PARTITION  NEW-OFFSET     \n' +
        'idle                           orders                         0          10             \n',
    );
    expect(log).toMatch(/^WARN: No action will be performed as the --execute option is missing\.In a future/);
    expect(scripted.committed).toEqual([]);
  });

  it('writes the offsets with --execute', async () => {
    const { rows } = await reset('--to-earliest', '--topic', 'orders', '--execute');
    expect(rows).toHaveLength(3);
    expect(scripted.committed).toEqual([
      ['idle/orders', 0, 10],
      ['idle/orders', 1, 10],
      ['idle/orders', 2, 10],
    ]);
  });

  it('keeps within the log and says so', async () => {
    const { rows, log } = await reset('--to-offset', '5000', '--topic', 'orders:0', '--dry-run');
    expect(rows).toEqual(['orders 0 100']);
    expect(log).toBe(
      'WARN New offset (5000) is higher than latest offset for topic partition orders-0. Value will be set to 100 ' +
        '(org.apache.kafka.tools.consumer.group.ConsumerGroupCommand)\n',
    );
    expect((await reset('--shift-by', '-500', '--topic', 'orders:0', '--dry-run')).rows).toEqual(['orders 0 10']);
  });

  it('falls back to the end of a partition that has nothing from a time on', async () => {
    const { stdout, rows } = await reset('--by-duration', 'P1D', '--topic', 'empty', '--dry-run');
    expect(stdout).toMatch(/^\nWarn: Partition 0 from topic empty is empty\. Falling back to latest known offset\.\n/);
    expect(rows).toEqual(['empty 0 0']);
  });

  it('prints a plan with --export and takes it with --from-file', async () => {
    const { stdout } = await reset('--to-current', '--topic', 'orders:0,2', '--export', '--dry-run');
    expect(stdout).toBe('orders,0,50\norders,2,20\n\n');
    const file = path.join(directory, 'plan.csv');
    writeFileSync(file, stdout.replace('50', '60'));
    expect((await reset('--from-file', file, '--execute')).rows).toEqual(['orders 0 60', 'orders 2 20']);
    expect(scripted.committed).toEqual([
      ['idle/orders', 0, 60],
      ['idle/orders', 2, 20],
    ]);
  });

  it('says once which line of a plan it cannot read', async () => {
    const file = path.join(directory, 'plan.csv');
    writeFileSync(file, 'orders,0\n');
    const { stdout, log } = await scripted.run('--reset-offsets', '--group', 'idle', '--from-file', file, '--dry-run');
    expect(stdout).toContain('failed due to the line "orders,0" of the plan is not topic,partition,offset\n');
    expect(log).toBe('');
  });

  it('names the groups in a plan for several', async () => {
    const args = ['--reset-offsets', '--group', 'idle', '--group', 'nobody', '--to-earliest', '--topic', 'orders:0'];
    const { stdout } = await scripted.run(...args, '--export', '--dry-run');
    expect(stdout).toBe('idle,orders,0,10\nnobody,orders,0,10\n\n');
  });

  it('leaves groups with members alone', async () => {
    const { exitCode, stdout } = await scripted.run(
      '--reset-offsets',
      ...['--all-groups', '--to-latest', '--topic', 'orders:0', '--execute'],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      "\nError: Assignments can only be reset if the group 'shop' is inactive, but the current state is Stable.\n",
    );
    expect(scripted.committed).toEqual([['idle/orders', 0, 100]]);
  });

  it.each([
    ['a partition without an offset to shift', ['--shift-by', '1', '--topic', 'orders:1'], 1, /^Cannot shift offset/],
    [
      'a partition that is none',
      ['--to-latest', '--topic', 'orders:x'],
      1,
      /^Invalid partition 'x' specified in topic/,
    ],
    ['no scope', ['--to-latest'], 1, /^One of the reset scopes should be defined: --all-topics, --topic\./],
    ['no scenario', ['--topic', 'orders'], 1, /^Option '\[reset-offsets\]' requires one of the following scenarios: /],
    [
      'two scenarios',
      ['--to-latest', '--to-earliest', '--topic', 't'],
      1,
      /^Option "\[to-earliest\]" can't be used with/,
    ],
    ['a time that is none', ['--to-datetime', 'noon', '--topic', 'orders'], 0, /^java\.text\.ParseException: /],
    [
      'a file that is not there',
      ['--from-file', '/no/such/file'],
      0,
      /^\/no\/such\/file \(No such file or directory\)/,
    ],
    ['a topic that is not there', ['--to-latest', '--topic', 'no'], 0, /UnknownTopicOrPartitionException/],
  ])('refuses %s', async (_what, args, exitCode, message) => {
    const answer = await reset(...args, '--dry-run');
    expect(answer.exitCode).toBe(exitCode);
    expect(answer.log).toMatch(message);
  });
});
