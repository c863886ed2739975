/** A broker that cannot start, as a process: it ends at once, with the reason in plain words and exit code 1. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../support/child-process.ts';
import { freePort } from '../support/free-port.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');
const directory = mkdtempSync(path.join(tmpdir(), 'barnabas-start-'));
const propertiesFile = path.join(directory, 'other.properties');
let zookeeper: TestZooKeeper;
let broker: BrokerProcess;
let freeAddress: string;

beforeAll(async () => {
  zookeeper = await startZooKeeper();
  const port = await freePort();
  const properties = new Map([
    ['broker.id', '1'],
    ['listeners', `PLAINTEXT://127.0.0.1:${port}`],
    ['zookeeper.connect', zookeeper.connectString],
    ['zookeeper.session.timeout.ms', '1000'],
  ]);
  broker = new BrokerProcess({ id: 1, port, directory, implementation: 'barnabas', properties });
  await broker.start();
  freeAddress = `127.0.0.1:${await freePort()}`;
  writeFileSync(propertiesFile, [...properties].map(([key, value]) => `${key}=${value}\n`).join(''));
});

afterAll(async () => {
  await broker.close();
  await zookeeper.close();
  rmSync(directory, { recursive: true, force: true });
});

async function failToStart(overrides: Readonly<Record<string, string>>): Promise<string> {
  const settings = { 'log.dirs': mkdtempSync(path.join(directory, 'other-')), ...overrides };
  const args = Object.entries(settings).flatMap(([key, value]) => ['--override', `${key}=${value}`]);
  const { exitCode, stdout, stderr } = await run(process.execPath, [MAIN, propertiesFile, ...args]);
  expect([exitCode, stderr]).toEqual([1, '']);
  expect(stdout).toContain('ERROR Exiting Kafka due to fatal exception during startup.');
  expect(stdout).not.toMatch(/^\s+at /m);
  return stdout;
}

describe('a broker does not start', () => {
  it('with the port of another one', async () => {
    const said = await failToStart({ 'broker.id': '2' });
    expect(said).toContain(`Socket server failed to bind to ${broker.address}`);
    expect(said).toContain('choose another port in listeners');
  });

  it('with the directory of another one', async () => {
    const said = await failToStart({ 'log.dirs': broker.logDirectory, listeners: `PLAINTEXT://${freeAddress}` });
    expect(said).toContain('A Kafka instance in another process or thread is using this directory.');
    expect(said).toContain('give this broker log.dirs of its own');
  });

  it('with the id of another one', async () => {
    const said = await failToStart({ listeners: `PLAINTEXT://${freeAddress}` });
    expect(said).not.toContain('Awaiting socket connections');
    expect(said).toContain(`A broker with broker.id=1 is registered already (${broker.address})`);
    expect(said).toContain(`ERROR Another broker with broker.id=1 is running (${broker.address}).`);
  });

  it('with data that were written under another id', async () => {
    const data = mkdtempSync(path.join(directory, 'data-of-7-'));
    writeFileSync(path.join(data, 'meta.properties'), 'version=0\nbroker.id=7\n');
    const said = await failToStart({ 'log.dirs': data, listeners: `PLAINTEXT://${freeAddress}` });
    expect(said).toContain("Configured broker.id 1 doesn't match stored broker.id Some(7) in meta.properties");
  });

  it('without a directory to write to', async () => {
    const said = await failToStart({ 'log.dirs': propertiesFile });
    expect(said).toContain(`ERROR Stopping serving logs in dir ${propertiesFile}`);
    expect(said).toContain('ERROR Shutdown broker because none of the specified log dirs');
  });

  it('without ZooKeeper', async () => {
    const away = { 'zookeeper.connect': '127.0.0.1:1', 'zookeeper.connection.timeout.ms': '200' };
    const said = await failToStart(away);
    expect(said).toContain('INFO Kafka version: 3.9.0 (Barnabas ');
    expect(said).toContain('INFO Initializing a new session to 127.0.0.1:1.');
    expect(said).toContain('Timed out waiting for connection to ZooKeeper at 127.0.0.1:1');
    expect(said).toContain('ERROR Start ZooKeeper first');
  });
});
