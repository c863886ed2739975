/** Long lists of the API v3: made while they are read, cut off when they cannot be finished, a few at once. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ApiError } from '../../../src/client/api-error.ts';
import { entryOf, groupOf, topicOf } from '../../support/fake-v3-admin.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { V3Desk } from '../../support/v3-desk.ts';

const TOPICS = 10_000;

let desk: V3Desk;
beforeEach(() => {
  desk = new V3Desk();
});
afterEach(() => desk.close());

const name = (index: number) => `topic-${String(index).padStart(5, '0')}`;

function addTopics(count: number): void {
  for (let index = 0; index < count; index++) desk.admin.addTopic(topicOf(name(index), 1));
}

async function listen(): Promise<string> {
  await desk.app.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${(desk.app.server.address() as AddressInfo).port}/v3/clusters/cluster-1`;
}

it('ten thousand topics are one question, and their list is whole', async () => {
  addTopics(TOPICS);
  const { data } = (await desk.get('/topics')) as { data: { topic_name: string }[] };
  expect(data.map(({ topic_name }) => topic_name)).toEqual(Array.from({ length: TOPICS }, (_, index) => name(index)));
  expect(desk.admin.questions).toBe(1);
});

it('the loop goes on while a long list is sent', async () => {
  addTopics(TOPICS);
  const address = await listen();
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const { data } = (await (await fetch(`${address}/topics`)).json()) as { data: object[] };
  isOver = true;
  expect(data).toHaveLength(TOPICS);
  expect(turns).toBeGreaterThan(50);
});

it('configurations of many topics, and many groups, are asked for some at a time', async () => {
  addTopics(120);
  for (let index = 0; index < 120; index++) desk.admin.configsByOwner.set(`TOPIC ${name(index)}`, [entryOf('a', '1')]);
  expect(await desk.get('/topics/-/configs')).toMatchObject({ data: { length: 120 } });
  expect(desk.admin.questions).toBe(1 + 3);
  for (let index = 0; index < 500; index++) desk.admin.groupsById.set(`g${index}`, groupOf(`g${index}`));
  desk.admin.questions = 0;
  expect(await desk.get('/consumer-groups')).toMatchObject({ data: { length: 500 } });
  expect(desk.admin.questions).toBe(1 + 3);
});

it('a list that fails before anything was sent is refused', async () => {
  addTopics(1);
  desk.admin.configs = () => Promise.reject(new ApiError('TimeoutException', 'late'));
  expect(await desk.ask('GET', '/topics/-/configs')).toEqual({
    status: 500,
    body: { error_code: 50003, message: 'late' },
  });
});

it('a list that fails half way is cut off', async () => {
  addTopics(120);
  const { admin } = desk;
  admin.configs = async (resources) => {
    if (resources[0]?.name !== name(0)) throw new ApiError('TimeoutException', 'late');
    const entries = Array.from({ length: 40 }, (_, index) => entryOf(`a${index}`, 'x'.repeat(100)));
    return resources.map((resource) => ({ resource, entries, failure: null }));
  };
  const address = await listen();
  const response = await fetch(`${address}/topics/-/configs`);
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow('terminated');
});

/** The beginning of a list that is too long for all buffers on its way; what was asked for it is counted. */
async function beginLongList(): Promise<{ sent: ClientRequest; whenStill: () => Promise<number> }> {
  addTopics(5_000);
  let asked = 0;
  desk.admin.configs = async (resources) => {
    asked++;
    const entries = Array.from({ length: 40 }, (_, index) => entryOf(`a${index}`, 'x'.repeat(100)));
    return resources.map((resource) => ({ resource, entries, failure: null }));
  };
  const sent = request(`${await listen()}/topics/-/configs`).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  await once(response, 'readable');
  const whenStill = () =>
    eventually(async () => {
      const before = asked;
      await setTimeout(50);
      if (asked !== before) throw new Error('it goes on');
      return asked;
    });
  return { sent, whenStill };
}

it('nothing more is asked for a client that has gone', async () => {
  const { sent, whenStill } = await beginLongList();
  sent.destroy();
  expect(await whenStill()).toBeLessThan(100);
  expect(await desk.get('/topics/topic-00000')).toMatchObject({ topic_name: 'topic-00000' });
});

it('a client that takes nothing of a long list is not waited for', async () => {
  const clock = new ManualClock();
  await desk.close();
  desk = new V3Desk(clock);
  const { sent, whenStill } = await beginLongList();
  expect(await whenStill()).toBeLessThan(100);
  const connections = promisify(desk.app.server.getConnections.bind(desk.app.server));
  clock.advance(29_000);
  await setTimeout(20);
  expect(await connections()).toBe(1);
  clock.advance(1_000);
  await eventually(async () => expect(await connections()).toBe(0));
  expect(clock.waitingCount).toBe(0);
  sent.destroy();
});

it('so many lists at once, so many waiting, and the next is sent away', async () => {
  const open = Promise.withResolvers<void>();
  const topics = desk.admin.topics.bind(desk.admin);
  let under = 0;
  let most = 0;
  desk.admin.topics = async () => {
    under++;
    most = Math.max(most, under);
    await open.promise;
    under--;
    return topics();
  };
  const lists = Array.from({ length: 208 }, () => desk.ask('GET', '/topics'));
  await eventually(async () => expect(under).toBe(8));
  expect(await desk.ask('GET', '/topics')).toEqual({
    status: 429,
    body: { error_code: 42901, message: 'Too many lists are asked for at once' },
  });
  // A single topic does not have to wait.
  expect(await desk.ask('GET', '/topics/none')).toMatchObject({ status: 404 });
  open.resolve();
  expect(new Set((await Promise.all(lists)).map(({ status }) => status))).toEqual(new Set([200]));
  expect(most).toBe(8);
  expect(await desk.ask('GET', '/topics')).toMatchObject({ status: 200 });
});

it('who leaves while waiting for a list leaves no place behind', async () => {
  const open = Promise.withResolvers<void>();
  const topics = desk.admin.topics.bind(desk.admin);
  let asked = 0;
  desk.admin.topics = async () => {
    asked++;
    await open.promise;
    return topics();
  };
  const address = `${await listen()}/topics`;
  const lists = Array.from({ length: 8 }, () => fetch(address));
  await eventually(async () => expect(asked).toBe(8));
  const leaving = Array.from({ length: 10 }, () => request(address, { agent: false }).end());
  const connections = promisify(desk.app.server.getConnections.bind(desk.app.server));
  await eventually(async () => expect(await connections()).toBe(18));
  for (const sent of leaving) sent.on('error', () => undefined).destroy();
  await eventually(async () => expect(await connections()).toBe(8));
  open.resolve();
  expect((await Promise.all(lists)).map(({ status }) => status)).toEqual(lists.map(() => 200));
  expect((await fetch(address)).status).toBe(200);
  expect(asked).toBe(9);
});
