/** Clusters, brokers and what these have of the topics, in the API v3. */
import { RestError } from '../rest/rest-errors.ts';
import type { ClusterBroker, V3Admin } from '../rest/v3-admin.ts';
import { brokerView, clusterView, replicasOf } from '../rest/v3-cluster-views.ts';
import { HttpProblem } from './problem.ts';
import type { V3Routes } from './rest-v3-call.ts';
import { BROKER, CLUSTER_THING, describeV3, listOfThings, paramsOf, REPLICA } from './rest-v3-descriptions.ts';

export function clusterRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('The cluster, as the only one of a list', { answer: listOfThings(CLUSTER_THING) });
  routes.onClusters(list, async ({ links }) => ({
    kind: 'KafkaClusterList',
    metadata: { self: links.clusters, next: null },
    data: [clusterView(links, await admin.describeCluster())],
  }));
  const one = describeV3('The cluster', { params: paramsOf(), answer: CLUSTER_THING });
  routes.on('GET', '', one, async ({ links }) => clusterView(links, await admin.describeCluster()));
  brokerRoutes(routes, admin);
}

function brokerRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('All brokers', { params: paramsOf(), answer: listOfThings(BROKER) });
  routes.on('GET', '/brokers', list, async ({ links }) => {
    const { brokers } = await admin.describeCluster();
    const sorted = brokers.toSorted((a, b) => a.id - b.id);
    return { ...links.list('KafkaBrokerList', 'brokers'), data: sorted.map((broker) => brokerView(links, broker)) };
  });
  const one = describeV3('A broker', { params: paramsOf('broker_id'), answer: BROKER });
  routes.on('GET', '/brokers/:broker_id', one, async (call) => {
    const broker = await findBroker(admin, call.int('broker_id'));
    if (broker === undefined) throw new HttpProblem(404);
    return brokerView(call.links, broker);
  });
  const replicas = describeV3('The replicas that a broker has', {
    params: paramsOf('broker_id'),
    answer: listOfThings(REPLICA),
  });
  routes.on('GET', '/brokers/:broker_id/partition-replicas', replicas, async (call, reply) => {
    const id = call.int('broker_id');
    await requireBroker(admin, id);
    const head = call.links.list('KafkaReplicaList', 'brokers', id, 'partition-replicas');
    return routes.listAll(reply, head, async () => replicasOf(call.links, id, await admin.topics()));
  });
}

async function findBroker(admin: V3Admin, brokerId: number): Promise<ClusterBroker | undefined> {
  const { brokers } = await admin.describeCluster();
  return brokers.find(({ id }) => id === brokerId);
}

/** A question to a broker that does not exist would wait for it. @throws RestError 404 */
export async function requireBroker(admin: V3Admin, brokerId: number): Promise<void> {
  if ((await findBroker(admin, brokerId)) === undefined)
    throw new RestError(404, `Broker ${brokerId} cannot be found.`);
}
