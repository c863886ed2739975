/** kafka-broker-api-versions against scripted brokers: what it prints, and how soon it gives up. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { main } from '../../../src/cli/broker-api-versions.ts';
import { Metadata } from '../../../src/protocol/messages/index.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

let broker: ScriptedBroker;
beforeEach(async () => {
  broker = new ScriptedBroker();
  await broker.listen();
});
afterEach(() => broker.close());

/** Answers Metadata with these many empty lists of brokers before the real one. */
function answerAfter(emptyAnswers: number): void {
  let left = emptyAnswers;
  broker.on(Metadata, () => ({
    brokers: left-- > 0 ? [] : [{ nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null }],
    clusterId: 'c',
    controllerId: 1,
    topics: [],
  }));
}

async function versions(bootstrap: string) {
  const terminal = new TestTerminal();
  const exitCode = await main(['--bootstrap-server', bootstrap], terminal);
  return { exitCode, stdout: terminal.stdout, log: terminal.log };
}

test('each broker is named with its versions', async () => {
  answerAfter(0);
  const { exitCode, stdout } = await versions(broker.address);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`127.0.0.1:${broker.port} (id: 1 rack: null) -> (\n\tProduce(0): UNSUPPORTED,\n`);
  expect(stdout).toContain('\tMetadata(3): 0 to 12 [usable: 12],\n');
});

test('where nobody listens it fails at once and asks what may be wrong', async () => {
  const address = broker.address;
  await broker.close();
  const { exitCode, stdout, log } = await versions(address);
  expect([exitCode, stdout]).toEqual([1, '']);
  expect(log).toBe(
    'WARN [AdminClient clientId=adminclient-1] Connection to node -1 ' +
      `(/${address}) could not be established. Node may not be available. (org.apache.kafka.clients.NetworkClient)\n` +
      `Request METADATA failed on brokers ${address} (id: -1 rack: null)\n` +
      'No broker answers there: is one running, and is this its address?\n',
  );
});

test('one of several addresses is enough', async () => {
  answerAfter(0);
  expect(await versions(`127.0.0.1:1,${broker.address}`)).toMatchObject({ exitCode: 0 });
});

test('a broker that knows of none yet is asked again', async () => {
  answerAfter(2);
  expect(await versions(broker.address)).toMatchObject({ exitCode: 0 });
  expect(broker.received).toHaveLength(3);
});
