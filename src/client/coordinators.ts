/**
 * Which broker coordinates a group, and requests to that broker: looked up once, again when it says that it is not (or
 * no longer) the one, until the deadline (Kafka's CoordinatorStrategy).
 */
import { ConnectionError } from '../net/broker-client.ts';
import { type ErrorName, Errors, errorName } from '../protocol/errors.ts';
import { FindCoordinator } from '../protocol/messages/index.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient, Node } from './cluster-client.ts';

/** The newer way to ask: for many groups at once. */
const FIRST_VERSION_WITH_MANY_KEYS = 4;
const GROUP_KEY_TYPE = 0;
const RETRY_BACKOFF_MS = 100;

/** The coordinator is another one now, or is not there yet. */
const LOOK_UP_AGAIN: ReadonlySet<ErrorName> = new Set<ErrorName>(['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR']);
const ASK_AGAIN: ReadonlySet<ErrorName> = new Set<ErrorName>([...LOOK_UP_AGAIN, 'COORDINATOR_LOAD_IN_PROGRESS']);

/** One request to a coordinator for some of its groups; an answer, or the error of a group. @throws ConnectionError */
export type AskCoordinator<T> = (
  coordinator: Node,
  groupIds: readonly string[],
) => Promise<ReadonlyMap<string, T | ApiError>>;

export class Coordinators {
  readonly #cluster: ClusterClient;
  readonly #known = new Map<string, Node>();

  constructor(cluster: ClusterClient) {
    this.#cluster = cluster;
  }

  /** The coordinator as far as it is known. */
  of(groupId: string): Node | undefined {
    return this.#known.get(groupId);
  }

  forget(groupId: string): void {
    this.#known.delete(groupId);
  }

  /** For one group; an error of the group is thrown. @throws ApiError */
  async askOne<T>(
    groupId: string,
    call: string,
    ask: (coordinator: Node) => Promise<T | ApiError>,
    deadline?: number,
  ): Promise<T> {
    const answers = await this.ask([groupId], call, async (node) => new Map([[groupId, await ask(node)]]), deadline);
    const answer = answers.get(groupId);
    if (answer === undefined) throw new ApiError('UnknownServerException', `No answer for group ${groupId}`);
    if (answer instanceof ApiError) throw answer;
    return answer;
  }

  /**
   * Asks the coordinators of the groups, each once for all of its groups.
   * @param call Java's name of what is being done, for the text of a timeout
   * @throws ApiError TimeoutException at the deadline
   */
  async ask<T>(
    groupIds: readonly string[],
    call: string,
    ask: AskCoordinator<T>,
    deadline = this.#cluster.deadline(),
  ): Promise<Map<string, T | ApiError>> {
    const answers = new Map<string, T | ApiError>();
    let latest: ApiError | null = null;
    for (let open = [...new Set(groupIds)]; open.length > 0; ) {
      for (const [groupId, error] of await this.#find(open, call, deadline))
        if (isLasting(error)) answers.set(groupId, error);
        else latest = error;
      await Promise.all(
        this.#byCoordinator(open).map(async ([node, ofNode]) => {
          for (const [groupId, answer] of await this.#askNode(node, ofNode, ask)) {
            if (!(answer instanceof ApiError) || isLasting(answer)) answers.set(groupId, answer);
            else {
              latest = answer;
              if (answer.error !== 'COORDINATOR_LOAD_IN_PROGRESS') this.forget(groupId);
            }
          }
        }),
      );
      open = open.filter((groupId) => !answers.has(groupId));
      if (open.length > 0) await this.#pause(call, deadline, latest);
    }
    return answers;
  }

  /** Those of which it is known. A coordinator was found for each group anew: it is the same one by where it is. */
  #byCoordinator(groupIds: readonly string[]): (readonly [Node, readonly string[]])[] {
    const parts = new Map<string, readonly [Node, string[]]>();
    for (const groupId of groupIds) {
      const node = this.#known.get(groupId);
      if (node === undefined) continue;
      const key = `${node.id}@${node.host}:${node.port}`;
      const part = parts.get(key);
      if (part === undefined) parts.set(key, [node, [groupId]]);
      else part[1].push(groupId);
    }
    return [...parts.values()];
  }

  async #pause(call: string, deadline: number, latest: ApiError | null): Promise<void> {
    const { clock } = this.#cluster;
    if (clock.monotonicMs() + RETRY_BACKOFF_MS >= deadline) {
      const why = latest === null ? '' : ` (${latest.message})`;
      throw new ApiError('TimeoutException', `Timed out waiting for a node assignment. Call: ${call}${why}`);
    }
    await clock.sleep(RETRY_BACKOFF_MS);
  }

  async #askNode<T>(
    node: Node,
    groupIds: readonly string[],
    ask: AskCoordinator<T>,
  ): Promise<ReadonlyMap<string, T | ApiError>> {
    try {
      return await ask(node, groupIds);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      await this.#cluster.warnUnreachable(node);
      return new Map(groupIds.map((groupId) => [groupId, ApiError.named('COORDINATOR_NOT_AVAILABLE')]));
    }
  }

  /** Learns the coordinators that are not known; returns what kept it from that. */
  async #find(groupIds: readonly string[], call: string, deadline: number): Promise<Map<string, ApiError>> {
    const failures = new Map<string, ApiError>();
    const unknown = groupIds.filter((groupId) => !this.#known.has(groupId));
    for (let next = 0; next < unknown.length; ) {
      // Old brokers are asked for one group at a time.
      const rest = unknown.slice(next);
      const found = await this.#findSome(rest, call, deadline);
      for (const { groupId, error, node } of found)
        if (error === null) this.#known.set(groupId, node);
        else failures.set(groupId, error);
      next += found.length;
    }
    return failures;
  }

  async #findSome(
    groupIds: readonly string[],
    call: string,
    deadline: number,
  ): Promise<{ groupId: string; error: ApiError | null; node: Node }[]> {
    const [first = ''] = groupIds;
    let takesMany = false;
    const request = (version: number) => {
      takesMany = version >= FIRST_VERSION_WITH_MANY_KEYS;
      const keyType = version >= 1 ? { keyType: GROUP_KEY_TYPE } : {};
      return takesMany ? { ...keyType, coordinatorKeys: groupIds } : { ...keyType, key: first };
    };
    const response = await this.#cluster.toAny(FindCoordinator, request, call, deadline);
    const coordinators = takesMany ? response.coordinators : [{ ...response, key: first }];
    if (coordinators.length === 0) throw new ApiError('UnknownServerException', 'No coordinator in the answer');
    return coordinators.map(({ key, errorCode, nodeId, host, port }) => ({
      groupId: key,
      error: errorCode === Errors.NONE ? null : lookupError(errorCode, key),
      node: { id: nodeId, host, port, rack: null },
    }));
  }
}

function isLasting({ error }: ApiError): boolean {
  return error === null || !ASK_AGAIN.has(error);
}

function lookupError(errorCode: number, groupId: string): ApiError {
  const error = errorName(errorCode);
  if (ASK_AGAIN.has(error)) return ApiError.of(errorCode);
  const why = error === 'GROUP_AUTHORIZATION_FAILED' ? 'authorization failure' : 'an unexpected error';
  const what = error === 'GROUP_AUTHORIZATION_FAILED' ? 'groupId' : 'key';
  return ApiError.of(errorCode, `FindCoordinator request for ${what} \`${groupId}\` failed due to ${why}`);
}
