/**
 * Configurations for the API v3: read, and changed setting by setting. What is not there is refused before anything is
 * done.
 */
import type { ApiError } from '../client/api-error.ts';
import type { ConfigChange, ConfigEntry, ConfigResource } from '../client/config-admin.ts';
import { RestError, restErrorOf } from './rest-errors.ts';
import type { V3Admin } from './v3-admin.ts';
import type { ConfigChanges, TopicsChanges } from './v3-bodies.ts';
import { type ConfigView, configViews } from './v3-config-views.ts';
import type { V3Links } from './v3-links.ts';

/** Whose configuration it is: a topic's, a broker's by its id or, with the empty name, that of all brokers. */
export type ConfigOwner = ConfigResource;

const NOT_FOUND = 404;
/** A topic has about thirty settings: that many are a few megabytes of an answer, and a few requests to ZooKeeper. */
const TOPICS_AT_ONCE = 50;

/** @throws ApiError UNKNOWN_TOPIC_OR_PARTITION */
export async function configEntries(admin: V3Admin, owner: ConfigOwner): Promise<readonly ConfigEntry[]> {
  const [described] = await admin.configs([owner]);
  if (described === undefined) throw new RestError(NOT_FOUND, 'HTTP 404 Not Found');
  if (described.failure !== null) throw described.failure;
  return described.entries;
}

/** Of the owners one after the other; of a topic that is gone meanwhile, nothing. */
export async function* allConfigs(
  admin: V3Admin,
  links: V3Links,
  owners: readonly ConfigOwner[],
): AsyncGenerator<ConfigView, void, undefined> {
  for (const part of parts(owners)) {
    for (const { resource, entries, failure } of await admin.configs(part)) {
      if (failure?.error === 'UNKNOWN_TOPIC_OR_PARTITION') continue;
      if (failure !== null) throw failure;
      yield* configViews(links, resource, entries);
    }
  }
}

/**
 * All of the changes, or none.
 * @param mustExist refuses settings that the owner does not show. What all brokers share shows only what is set.
 * @throws RestError 404 for a setting that does not exist
 */
export async function changeConfigs(
  admin: V3Admin,
  clusterId: string,
  owner: ConfigOwner,
  { changes, validateOnly }: ConfigChanges,
  mustExist: boolean,
): Promise<void> {
  if (mustExist) refuseUnknown(clusterId, owner, changes, await configEntries(admin, owner));
  const [result] = await admin.alterConfigs([{ ...owner, changes }], validateOnly);
  if (result?.failure !== undefined && result.failure !== null) throw result.failure;
}

export interface FailedTopic {
  readonly topic_name: string;
  readonly error_code: number;
  readonly message: string;
}

/**
 * Each topic for itself: those that failed are told, the others are changed.
 * @throws ApiError, RestError when a topic or a setting does not exist; nothing is changed then
 */
export async function changeTopics(
  admin: V3Admin,
  clusterId: string,
  { byTopic, validateOnly }: TopicsChanges,
): Promise<FailedTopic[]> {
  const alterations = [...byTopic].map(([name, changes]) => ({ type: 'TOPIC', name, changes }) as const);
  for (const part of parts(alterations)) {
    const described = await admin.configs(part.map(({ type, name }) => ({ type, name })));
    for (const [index, { resource, entries, failure }] of described.entries()) {
      if (failure !== null) throw failure;
      refuseUnknown(clusterId, resource, part[index]?.changes ?? [], entries);
    }
  }
  const failed: FailedTopic[] = [];
  for (const part of parts(alterations))
    for (const { resource, failure } of await admin.alterConfigs(part, validateOnly))
      if (failure !== null) failed.push(failedTopic(resource.name, failure));
  return failed;
}

/** So many as one request is to be about. */
function* parts<T>(all: readonly T[]): Generator<readonly T[], void, undefined> {
  for (let start = 0; start < all.length; start += TOPICS_AT_ONCE) yield all.slice(start, start + TOPICS_AT_ONCE);
}

function failedTopic(topic: string, failure: ApiError): FailedTopic {
  const told = restErrorOf(failure);
  return { topic_name: topic, error_code: told?.code ?? 500, message: told?.message ?? failure.message };
}

function refuseUnknown(
  clusterId: string,
  { type, name }: ConfigResource,
  changes: readonly ConfigChange[],
  entries: readonly ConfigEntry[],
): void {
  const known = new Set(entries.map((entry) => entry.name));
  const unknown = changes.find((change) => !known.has(change.name));
  if (unknown === undefined) return;
  throw new RestError(NOT_FOUND, `Config ${unknown.name} cannot be found for ${type} ${name} in cluster ${clusterId}.`);
}
