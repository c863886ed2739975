/** Consumer groups in the API v3: their members, what these read, and how far they are behind. */
import { RestError } from '../rest/rest-errors.ts';
import type { GroupDescription, GroupMember, V3Admin } from '../rest/v3-admin.ts';
import {
  assignmentView,
  assignmentViews,
  consumerView,
  consumerViews,
  groupView,
  type Lag,
  lagSummaryView,
  lagsOf,
  lagView,
  lagViews,
} from '../rest/v3-group-views.ts';
import type { GroupView } from '../rest/v3-group-views.ts';
import type { V3Links } from '../rest/v3-links.ts';
import { HttpProblem } from './problem.ts';
import type { V3Call, V3Routes } from './rest-v3-call.ts';
import {
  ASSIGNMENT,
  CONSUMER,
  describeV3,
  GROUP,
  LAG,
  LAG_SUMMARY,
  listOfThings,
  paramsOf,
} from './rest-v3-descriptions.ts';

const GROUPS = 'consumer-groups';
const GROUP_PATH = `/${GROUPS}/:consumer_group_id`;
const CONSUMER_PATH = `${GROUP_PATH}/consumers/:consumer_id`;
const OF_PARTITION = '/:topic_name/partitions/:partition_id';
/** A group may have many members, with many partitions each. */
const GROUPS_AT_ONCE = 200;

export function groupRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('All consumer groups', { params: paramsOf(), answer: listOfThings(GROUP) });
  routes.on('GET', `/${GROUPS}`, list, async ({ links }, reply) =>
    routes.listAll(reply, links.list('KafkaConsumerGroupList', GROUPS), async () =>
      groupViews(admin, links, await admin.groupIds()),
    ),
  );
  const one = describeV3('A consumer group', { params: paramsOf('consumer_group_id'), answer: GROUP });
  routes.on('GET', GROUP_PATH, one, async (call) => {
    const group = await find(admin, call);
    if (group === undefined) throw new HttpProblem(404);
    return groupView(call.links, group);
  });
  consumerRoutes(routes, admin);
  assignmentRoutes(routes, admin);
  lagRoutes(routes, admin);
}

async function* groupViews(
  admin: V3Admin,
  links: V3Links,
  groupIds: readonly string[],
): AsyncGenerator<GroupView, void, undefined> {
  for (let start = 0; start < groupIds.length; start += GROUPS_AT_ONCE)
    for (const group of await admin.groups(groupIds.slice(start, start + GROUPS_AT_ONCE)))
      yield groupView(links, group);
}

function consumerRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('The members of a group', {
    params: paramsOf('consumer_group_id'),
    answer: listOfThings(CONSUMER),
  });
  routes.on('GET', `${GROUP_PATH}/consumers`, list, async (call) => {
    const group = await findFor(admin, call, 'does not exist.');
    const head = call.links.list('KafkaConsumerList', GROUPS, group.groupId, 'consumers');
    return { ...head, data: consumerViews(call.links, group) };
  });
  const one = describeV3('A member of a group', {
    params: paramsOf('consumer_group_id', 'consumer_id'),
    answer: CONSUMER,
  });
  routes.on('GET', CONSUMER_PATH, one, async (call) => {
    const group = await findFor(admin, call, 'does not exist.');
    const member = memberOf(group, call);
    if (member === undefined) throw new HttpProblem(404);
    return consumerView(call.links, group.groupId, member);
  });
}

function assignmentRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('What a member of a group reads', {
    params: paramsOf('consumer_group_id', 'consumer_id'),
    answer: listOfThings(ASSIGNMENT),
  });
  routes.on('GET', `${CONSUMER_PATH}/assignments`, list, async (call) => {
    const { group, member } = await findMember(admin, call);
    const path = [GROUPS, group.groupId, 'consumers', member.consumerId, 'assignments'];
    const head = call.links.list('KafkaConsumerAssignmentList', ...path);
    return { ...head, data: assignmentViews(call.links, group.groupId, member) };
  });
  const one = describeV3('A partition that a member of a group reads', {
    params: paramsOf('consumer_group_id', 'consumer_id', 'topic_name', 'partition_id'),
    answer: ASSIGNMENT,
  });
  routes.on('GET', `${CONSUMER_PATH}/assignments${OF_PARTITION}`, one, async (call) => {
    const [topic, partition] = [call.text('topic_name'), call.int('partition_id')];
    const { group, member } = await findMember(admin, call);
    const found = member.partitions.find((read) => read.topic === topic && read.partition === partition);
    if (found === undefined) throw new HttpProblem(404);
    return assignmentView(call.links, group.groupId, member, found);
  });
}

function lagRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('How far a group is behind, the partition with the greatest lag first', {
    params: paramsOf('consumer_group_id'),
    answer: listOfThings(LAG),
  });
  routes.on('GET', `${GROUP_PATH}/lags`, list, async (call, reply) => {
    const { links } = call;
    const groupId = call.text('consumer_group_id');
    return routes.list(reply, links.list('KafkaConsumerLagList', GROUPS, groupId, 'lags'), async () =>
      lagViews(links, groupId, await findLags(admin, call)),
    );
  });
  const one = describeV3('How far a group is behind in a partition', {
    params: paramsOf('consumer_group_id', 'topic_name', 'partition_id'),
    answer: LAG,
  });
  routes.on('GET', `${GROUP_PATH}/lags${OF_PARTITION}`, one, async (call) => {
    const [topic, partition] = [call.text('topic_name'), call.int('partition_id')];
    const lags = await findLags(admin, call);
    const found = lags.find((lag) => lag.topic === topic && lag.partition === partition);
    if (found === undefined) throw new HttpProblem(404);
    return lagView(call.links, call.text('consumer_group_id'), found);
  });
  const summary = describeV3('How far a group is behind altogether, and where most', {
    params: paramsOf('consumer_group_id'),
    answer: LAG_SUMMARY,
  });
  routes.on('GET', `${GROUP_PATH}/lag-summary`, summary, async (call) => {
    const view = lagSummaryView(call.links, call.text('consumer_group_id'), await findLags(admin, call));
    if (view === null) throw new HttpProblem(404);
    return view;
  });
}

async function find(admin: V3Admin, call: V3Call): Promise<GroupDescription | undefined> {
  const [group] = await admin.groups([call.text('consumer_group_id')]);
  return group;
}

/** @param what is said of a group that does not exist: Confluent has two ways */
async function findFor(admin: V3Admin, call: V3Call, what: string): Promise<GroupDescription> {
  const group = await find(admin, call);
  if (group === undefined) throw new RestError(404, `Consumer Group ${call.text('consumer_group_id')} ${what}`);
  return group;
}

function memberOf({ members }: GroupDescription, call: V3Call): GroupMember | undefined {
  return members.find(({ consumerId }) => consumerId === call.text('consumer_id'));
}

async function findMember(
  admin: V3Admin,
  call: V3Call,
): Promise<{ readonly group: GroupDescription; readonly member: GroupMember }> {
  const group = await findFor(admin, call, 'does not exist.');
  const member = memberOf(group, call);
  if (member === undefined) throw new RestError(404, `Consumer ${call.text('consumer_id')} does not exist.`);
  return { group, member };
}

/** Never empty. @throws RestError 404 */
async function findLags(admin: V3Admin, call: V3Call): Promise<Lag[]> {
  const group = await findFor(admin, call, 'could not be found.');
  const offsets = await admin.groupOffsets(group.groupId);
  if (offsets.length === 0) throw new RestError(404, 'Consumer group offsets could not be found.');
  return lagsOf(group, offsets);
}
