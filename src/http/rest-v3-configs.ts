/**
 * Configurations in the API v3: of topics, of brokers and of what all brokers share. Each has the same routes: list,
 * get, set and reset one, change several at once.
 */
import type { V3Admin } from '../rest/v3-admin.ts';
import { configChangesOf, configValueOf, topicsChangesOf } from '../rest/v3-bodies.ts';
import { configListHead, configView, configViews } from '../rest/v3-config-views.ts';
import { allConfigs, changeConfigs, changeTopics, type ConfigOwner, configEntries } from '../rest/v3-configs.ts';
import type { JsonSchema } from './api-description.ts';
import { HttpProblem } from './problem.ts';
import type { V3Call, V3Routes } from './rest-v3-call.ts';
import { requireBroker } from './rest-v3-cluster.ts';
import {
  BROKER_CONFIG,
  CLUSTER_CONFIG,
  CONFIG_CHANGES,
  CONFIG_VALUE,
  describeV3,
  FAILED_TOPICS,
  listOfThings,
  type PARAMS,
  paramsOf,
  TOPIC_CONFIG,
  TOPICS_CHANGES,
} from './rest-v3-descriptions.ts';

/** Whose configuration it is. */
interface Owner {
  /** Of the list; `::` is a colon. */
  readonly path: string;
  readonly params: readonly (keyof typeof PARAMS)[];
  readonly what: string;
  readonly answer: JsonSchema;
  /** @throws when there is none */
  of(call: V3Call): Promise<ConfigOwner>;
  /** A setting can be set that is not in the list: it holds what is set and nothing else. */
  readonly listsOnlyWhatIsSet: boolean;
}

export function configRoutes(routes: V3Routes, admin: V3Admin): void {
  const owners: Owner[] = [
    {
      path: '/topics/:topic_name/configs',
      params: ['topic_name'],
      what: 'a topic',
      answer: TOPIC_CONFIG,
      of: async (call) => ({ type: 'TOPIC', name: call.text('topic_name') }),
      listsOnlyWhatIsSet: false,
    },
    {
      path: '/brokers/:broker_id/configs',
      params: ['broker_id'],
      what: 'a broker',
      answer: BROKER_CONFIG,
      of: async (call) => {
        const id = call.int('broker_id');
        await requireBroker(admin, id);
        return { type: 'BROKER', name: String(id) };
      },
      listsOnlyWhatIsSet: false,
    },
    {
      path: '/broker-configs',
      params: [],
      what: 'all brokers',
      answer: CLUSTER_CONFIG,
      of: async () => ({ type: 'BROKER', name: '' }),
      listsOnlyWhatIsSet: true,
    },
  ];
  for (const owner of owners) {
    readRoutes(routes, admin, owner);
    writeRoutes(routes, admin, owner);
  }
  manyOwnersRoutes(routes, admin);
}

function readRoutes(routes: V3Routes, admin: V3Admin, { path, params, what, answer, of }: Owner): void {
  const list = describeV3(`The configuration of ${what}`, {
    params: paramsOf(...params),
    answer: listOfThings(answer),
  });
  routes.on('GET', path, list, async (call) => {
    const owner = await of(call);
    const entries = await configEntries(admin, owner);
    return { ...configListHead(call.links, owner), data: configViews(call.links, owner, entries) };
  });
  const one = describeV3(`A setting of ${what}`, { params: paramsOf(...params, 'name'), answer });
  routes.on('GET', `${path}/:name`, one, async (call) => {
    const owner = await of(call);
    const entries = await configEntries(admin, owner);
    const found = entries.find(({ name }) => name === call.text('name'));
    if (found === undefined) throw new HttpProblem(404);
    return configView(call.links, owner, found);
  });
}

function writeRoutes(routes: V3Routes, admin: V3Admin, owner: Owner): void {
  const { path, params, what, of, listsOnlyWhatIsSet } = owner;
  const { clusterId } = routes;
  const mustExist = !listsOnlyWhatIsSet;
  const set = describeV3(`Sets a setting of ${what}`, {
    params: paramsOf(...params, 'name'),
    body: CONFIG_VALUE,
    answers: { 204: null },
  });
  routes.on('PUT', `${path}/:name`, set, async (call, reply) => {
    const change = { name: call.text('name'), operation: 'SET', value: configValueOf(call.body) } as const;
    await changeConfigs(admin, clusterId, await of(call), { changes: [change], validateOnly: false }, mustExist);
    return reply.code(204).send();
  });
  const reset = describeV3(`Brings a setting of ${what} back to its default`, {
    params: paramsOf(...params, 'name'),
    answers: { 204: null },
  });
  routes.on('DELETE', `${path}/:name`, reset, async (call, reply) => {
    const change = { name: call.text('name'), operation: 'DELETE', value: null } as const;
    await changeConfigs(admin, clusterId, await of(call), { changes: [change], validateOnly: false }, true);
    return reply.code(204).send();
  });
  const alter = describeV3(`Changes settings of ${what}, all of them or none`, {
    params: paramsOf(...params),
    body: CONFIG_CHANGES,
    answers: { 204: null },
  });
  routes.on('POST', `${path}::alter`, alter, async (call, reply) => {
    const changes = configChangesOf(call.body);
    await changeConfigs(admin, clusterId, await of(call), changes, mustExist);
    return reply.code(204).send();
  });
}

function manyOwnersRoutes(routes: V3Routes, admin: V3Admin): void {
  const topics = describeV3('The configurations of all topics', {
    params: paramsOf(),
    answer: listOfThings(TOPIC_CONFIG),
  });
  routes.on('GET', '/topics/-/configs', topics, async ({ links }, reply) =>
    routes.listAll(reply, links.list('KafkaTopicConfigList', 'topics', '-', 'configs'), async () => {
      const owners = (await admin.topics()).map(({ name }) => ({ type: 'TOPIC', name }) as const);
      return allConfigs(admin, links, owners);
    }),
  );
  const brokers = describeV3('The configurations of all brokers', {
    params: paramsOf(),
    answer: listOfThings(BROKER_CONFIG),
  });
  routes.on('GET', '/brokers/-/configs', brokers, async ({ links }, reply) =>
    routes.listAll(reply, links.list('KafkaBrokerConfigList', 'brokers', '-', 'configs'), async () => {
      const ids = (await admin.describeCluster()).brokers.map(({ id }) => id).sort((a, b) => a - b);
      return allConfigs(
        admin,
        links,
        ids.map((id) => ({ type: 'BROKER', name: String(id) })),
      );
    }),
  );
  const alter = describeV3('Changes settings of several topics, each topic for itself', {
    params: paramsOf(),
    body: TOPICS_CHANGES,
    answers: { 204: null, 207: { ...FAILED_TOPICS, description: 'These topics could not be changed' } },
  });
  routes.on('POST', '/topics/-/configs::alter', alter, async ({ body }, reply) => {
    const failures = await changeTopics(admin, routes.clusterId, topicsChangesOf(body));
    return failures.length === 0 ? reply.code(204).send() : reply.code(207).send({ failures });
  });
}
