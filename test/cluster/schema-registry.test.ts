/** The Schema Registry of three brokers: whichever is asked answers, one writes, and its death loses nothing. */
import { describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { BrokerProcess } from '../support/broker-process.ts';
import { eventually } from '../support/eventually.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { useCluster, withCluster } from '../support/use-cluster.ts';

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const record = (name: string, ...fields: string[]) =>
  JSON.stringify({ type: 'record', name, fields: fields.map((field) => ({ name: field, type: 'int', default: 0 })) });

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function ask(broker: BrokerProcess, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(httpAddress(broker) + path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': CONTENT_TYPE }, body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

async function register(broker: BrokerProcess, subject: string, schema: string): Promise<number> {
  const { status, body } = await ask(broker, 'POST', `/subjects/${subject}/versions`, { schema });
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return (body as { id: number }).id;
}

describe('a registry of three brokers', () => {
  const cluster = useCluster({ overrides: WITH_HTTP });

  it('every broker answers, and all answer the same', async () => {
    const { brokers } = cluster();
    const ids = await Promise.all(brokers.map((broker) => register(broker, 'users-value', record('User', 'id'))));
    expect(new Set(ids)).toEqual(new Set([1]));
    for (const broker of brokers) {
      expect(await register(broker, `of-${broker.id}`, record(`Of${broker.id}`))).toBe(broker.id + 1);
      for (const other of brokers)
        expect(await ask(other, 'GET', `/schemas/ids/${broker.id + 1}`)).toEqual({
          status: 200,
          body: { schema: record(`Of${broker.id}`) },
        });
    }
  });

  it('refusals come through as they are', async () => {
    const misfit = JSON.stringify({ type: 'record', name: 'User', fields: [{ name: 'id', type: 'string' }] });
    for (const broker of cluster().brokers) {
      const { status, body } = await ask(broker, 'POST', '/subjects/users-value/versions', { schema: misfit });
      expect(status).toBe(409);
      expect(body).toMatchObject({ error_code: 409, message: expect.stringContaining('TYPE_MISMATCH') });
      expect(await ask(broker, 'GET', '/subjects/a%2Fb%20c/versions')).toEqual({
        status: 404,
        body: { error_code: 40401, message: "Subject 'a/b c' not found." },
      });
    }
  });

  it('a broker that writes and freezes is not waited for, and when it wakes it tells nothing of its own', async () => {
    const { brokers } = cluster();
    const leader = brokers.find(({ output }) => leads(output));
    const other = brokers.find((broker) => broker !== leader);
    if (leader === undefined || other === undefined) throw new Error('nobody writes');
    const before = await register(other, 'frozen', record('Before'));
    await leader.kill('SIGSTOP');
    const lost = register(leader, 'frozen', record('Before', 'lost')).catch((error: unknown) => error);
    const after = await eventually(() => register(other, 'frozen', record('Before', 'after')));
    expect(after).toBe(before + 1);
    await leader.kill('SIGCONT');
    await lost;
    const known = await ask(other, 'GET', '/schemas?subjectPrefix=frozen');
    for (const broker of brokers) expect(await ask(broker, 'GET', '/schemas?subjectPrefix=frozen')).toEqual(known);
    const ids = (known.body as { id: number }[]).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(known.body).toContainEqual(expect.objectContaining({ version: 2, id: after }));
  });

  it('the death of the broker that writes loses no id and gives none out twice', async () => {
    const { brokers } = cluster();
    const given = new Map<string, number>();
    let isOver = false;
    const writers = brokers.map(async (_, index) => {
      for (let i = 0; !isOver; i++) {
        const subject = `w${index}-${i}`;
        // A client asks whoever answers, again until it knows.
        await eventually(async () => {
          const [broker] = cluster().live.slice(i % cluster().live.length);
          if (broker === undefined) return false;
          given.set(subject, await register(broker, subject, record(`W${index}x${i}`, 'f')));
          return true;
        });
      }
    });
    for (let round = 0; round < 3; round++) {
      const known = given.size;
      await eventually(() => given.size >= known + 10);
      const leader = brokers.find(({ output }) => leads(output));
      expect(leader, 'somebody writes').toBeDefined();
      await leader?.kill('SIGKILL');
      const before = given.size;
      await eventually(() => given.size >= before + 10);
      await leader?.start();
    }
    isOver = true;
    await Promise.all(writers);
    expect(new Set(given.values()).size).toBe(given.size);
    for (const broker of brokers)
      for (const [subject, id] of given)
        expect(await ask(broker, 'GET', `/subjects/${subject}/versions/1`)).toMatchObject({
          status: 200,
          body: { id },
        });
  });
});

it('a leader of the schemas that serves no HTTP is named at once', async () => {
  await withCluster({ brokers: 2, overrides: WITH_HTTP }, async (cluster) => {
    const [asked, silent] = [cluster.broker(1), cluster.broker(2)];
    await createTopic(cluster, '_schemas', { assignment: [[2]], configs: { 'cleanup.policy': 'compact' } });
    expect(await register(asked, 's', record('S'))).toBe(1);
    await silent.stop();
    silent.override('http.listeners', '');
    await silent.start();
    await eventually(async () => {
      const startedAt = performance.now();
      const { status, body } = await ask(asked, 'GET', '/subjects');
      expect([status, body]).toEqual([
        500,
        {
          error_code: 50003,
          message:
            'Broker 2 leads the topic of the schemas and serves no HTTP: set http.listeners on it, as on every ' +
            'broker that may lead _schemas',
        },
      ]);
      expect(performance.now() - startedAt).toBeLessThan(2000);
      return true;
    });
    silent.override('http.listeners', WITH_HTTP['http.listeners']);
    await silent.stop();
    await silent.start();
    expect(await eventually(() => register(asked, 's', record('S')))).toBe(1);
  });
}, 60_000);

/** By the last words of its log about the partition, in its present life. */
function leads(output: string): boolean {
  const present = output.slice(output.lastIndexOf(' started ('));
  const said = [...present.matchAll(/(Loaded|Unloaded) _schemas-0/g)];
  return said.at(-1)?.[1] === 'Loaded';
}
