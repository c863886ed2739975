/**
 * Partitions, their replicas and offsets in the API v3; and reassignments, of which there are none: replicas stay
 * where they were put.
 */
import { badRequest, partitionNotFound, RestError } from '../rest/rest-errors.ts';
import { findPartition, type PartitionDescription, type V3Admin } from '../rest/v3-admin.ts';
import { partitionOffsetsView, partitionView, replicaView } from '../rest/v3-cluster-views.ts';
import { HttpProblem } from './problem.ts';
import { shown, type V3Call, type V3Routes } from './rest-v3-call.ts';
import {
  describeV3,
  listOfThings,
  PARTITION,
  PARTITION_OFFSETS,
  paramsOf,
  REASSIGNMENT,
  REPLICA,
} from './rest-v3-descriptions.ts';

const TOPIC = '/topics/:topic_name';
const PARTITION_PATH = `${TOPIC}/partitions/:partition_id`;
const OFFSET_TYPE = 'earliest_and_latest';

export function partitionRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('The partitions of a topic', {
    params: paramsOf('topic_name'),
    answer: listOfThings(PARTITION),
  });
  routes.on('GET', `${TOPIC}/partitions`, list, async (call, reply) => {
    const { links } = call;
    const topic = call.text('topic_name');
    return routes.list(reply, links.list('KafkaPartitionList', 'topics', topic, 'partitions'), async () => {
      const { partitions } = await admin.topic(topic);
      return shown(partitions, (partition) => partitionView(links, topic, partition));
    });
  });
  const params = paramsOf('topic_name', 'partition_id');
  const one = describeV3('A partition', { params, answer: PARTITION });
  routes.on('GET', PARTITION_PATH, one, async (call) => {
    const partition = await find(admin, call);
    if (partition === undefined) throw new HttpProblem(404);
    return partitionView(call.links, call.text('topic_name'), partition);
  });
  const offsets = describeV3('Where a partition begins and ends', {
    params,
    query: { offset_type: { type: 'string', enum: [OFFSET_TYPE], default: OFFSET_TYPE } },
    answer: PARTITION_OFFSETS,
  });
  routes.on('GET', `${PARTITION_PATH}/offset`, offsets, async (call) => {
    const type = call.query('offset_type') ?? OFFSET_TYPE;
    if (type !== OFFSET_TYPE) throw badRequest(`offset_type:${type} is invalid`);
    const found = await find(admin, call);
    if (found === undefined) throw partitionNotFound();
    const at = { topic: call.text('topic_name'), partition: found.partition };
    return partitionOffsetsView(call.links, at.topic, at.partition, await admin.partitionOffsets(at));
  });
  replicaRoutes(routes, admin);
  reassignmentRoutes(routes);
}

function replicaRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('The replicas of a partition', {
    params: paramsOf('topic_name', 'partition_id'),
    answer: listOfThings(REPLICA),
  });
  routes.on('GET', `${PARTITION_PATH}/replicas`, list, async (call) => {
    const topic = call.text('topic_name');
    const found = await findForReplicas(admin, call);
    const head = call.links.list('KafkaReplicaList', 'topics', topic, 'partitions', found.partition, 'replicas');
    return { ...head, data: found.replicas.map((brokerId) => replicaView(call.links, topic, found, brokerId)) };
  });
  const one = describeV3('A replica', {
    params: paramsOf('topic_name', 'partition_id', 'broker_id'),
    answer: REPLICA,
  });
  routes.on('GET', `${PARTITION_PATH}/replicas/:broker_id`, one, async (call) => {
    const brokerId = call.int('broker_id');
    const found = await findForReplicas(admin, call);
    if (!found.replicas.includes(brokerId)) throw new HttpProblem(404);
    return replicaView(call.links, call.text('topic_name'), found, brokerId);
  });
}

function reassignmentRoutes(routes: V3Routes): void {
  const answer = listOfThings(REASSIGNMENT);
  const kind = 'KafkaReassignmentList';
  const all = describeV3('All reassignments that are under way', { params: paramsOf(), answer });
  routes.on('GET', '/topics/-/partitions/-/reassignment', all, async ({ links }) => ({
    ...links.list(kind, 'topics', '-', 'partitions', '-', 'reassignment'),
    data: [],
  }));
  const ofTopic = describeV3('The reassignments of a topic that are under way', {
    params: paramsOf('topic_name'),
    answer,
  });
  routes.on('GET', `${TOPIC}/partitions/-/reassignment`, ofTopic, async (call) => ({
    ...call.links.list(kind, 'topics', call.text('topic_name'), 'partitions', '-', 'reassignment'),
    data: [],
  }));
  const one = describeV3('The reassignment of a partition, if one is under way', {
    params: paramsOf('topic_name', 'partition_id'),
    answer: REASSIGNMENT,
  });
  routes.on('GET', `${PARTITION_PATH}/reassignment`, one, async (call) => {
    call.int('partition_id');
    throw new HttpProblem(404);
  });
}

function find(admin: V3Admin, call: V3Call): Promise<PartitionDescription | undefined> {
  return findPartition(admin, call.text('topic_name'), call.int('partition_id'));
}

async function findForReplicas(admin: V3Admin, call: V3Call): Promise<PartitionDescription> {
  const found = await find(admin, call);
  if (found !== undefined) return found;
  const [partition, topic] = [call.int('partition_id'), call.text('topic_name')];
  const where = `on cluster ${call.links.clusterId}`;
  throw new RestError(404, `Partition ${partition} of topic ${topic} could not be found ${where}.`);
}
