/**
 * What is counted of requests, by API (Kafka's RequestMetrics), and one request's way through the broker. Only there
 * when somebody reads it: a broker without HTTP counts none of this.
 *
 * A request's times are recorded when its reply has been handed to the system. `total` is from the arrival of its last
 * byte to then: `queue` until it was taken up, `local` while it was worked on, `remote` while it waited for others,
 * `responseQueue` while its reply waited for those before it, `send` the rest.
 */
import { Histogram } from '../lib/histogram.ts';
import { type ErrorName, errorName } from '../protocol/errors.ts';

export class ApiCounters {
  readonly name: string;
  /** By version. */
  readonly requests: number[] = [];
  readonly errors = new Map<ErrorName, number>();
  readonly totalMs = new Histogram();
  readonly queueMs = new Histogram();
  readonly localMs = new Histogram();
  readonly remoteMs = new Histogram();
  readonly responseQueueMs = new Histogram();
  readonly sendMs = new Histogram();
  readonly requestBytes = new Histogram(1);
  readonly responseBytes = new Histogram(1);
  /** Requests that wait for something: another broker, a timer, a disk. */
  pending = 0;

  constructor(name: string) {
    this.name = name;
  }

  countError(error: ErrorName): void {
    this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
  }
}

/** One request from its arrival until its reply has left; all times monotonic. */
export class RequestTrace {
  readonly #counters: readonly ApiCounters[];
  readonly #receivedMs: number;
  readonly #startedMs: number;
  #returnedMs: number;
  #resumedMs: number;
  #encodedMs = 0;
  #responseBytes = 0;
  #isPending = false;

  constructor(counters: readonly ApiCounters[], receivedMs: number, startedMs: number) {
    this.#counters = counters;
    this.#receivedMs = receivedMs;
    this.#startedMs = startedMs;
    this.#returnedMs = this.#resumedMs = startedMs;
  }

  /** The handler has promised an answer. */
  onPending(nowMs: number): void {
    this.#returnedMs = this.#resumedMs = nowMs;
    this.#isPending = true;
    for (const counters of this.#counters) counters.pending++;
  }

  /** What was promised is there, or will never be. */
  onResumed(nowMs: number): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    this.#resumedMs = nowMs;
    for (const counters of this.#counters) counters.pending--;
  }

  onEncoded(nowMs: number, bytes: number, response: unknown): void {
    this.#encodedMs = nowMs;
    this.#responseBytes = bytes;
    for (const counters of this.#counters) countErrors(response, counters);
  }

  /** There is nothing to send. */
  onNoReply(nowMs: number): void {
    this.#encodedMs = nowMs;
    for (const counters of this.#counters) counters.countError('NONE');
    this.onSent(nowMs, nowMs);
  }

  onSent(flushedMs: number, sentMs: number): void {
    const remoteMs = this.#resumedMs - this.#returnedMs;
    for (const counters of this.#counters) {
      counters.totalMs.record(sentMs - this.#receivedMs);
      counters.queueMs.record(this.#startedMs - this.#receivedMs);
      counters.localMs.record(this.#encodedMs - this.#startedMs - remoteMs);
      counters.remoteMs.record(remoteMs);
      counters.responseQueueMs.record(flushedMs - this.#encodedMs);
      counters.sendMs.record(sentMs - flushedMs);
      counters.responseBytes.record(this.#responseBytes);
    }
  }
}

/** API key of Fetch, the one API that is counted by who asks, too. */
const FETCH = 1;
const FIRST_FETCH_WITH_REPLICA_STATE = 15;

export class RequestCounters {
  readonly #byKey: (readonly ApiCounters[] | undefined)[] = [];
  readonly #fetchByFollowers: readonly ApiCounters[];
  readonly #all: ApiCounters[] = [];

  constructor() {
    const fetch = this.#add('Fetch');
    this.#byKey[FETCH] = [this.#add('FetchConsumer'), fetch];
    this.#fetchByFollowers = [this.#add('FetchFollower'), fetch];
  }

  /** Of every API that was asked for so far. */
  get all(): readonly ApiCounters[] {
    return this.#all;
  }

  of(name: string): ApiCounters | undefined {
    return this.#all.find((counters) => counters.name === name);
  }

  begin(
    api: { readonly apiKey: number; readonly name: string },
    version: number,
    request: unknown,
    frameBytes: number,
    times: { readonly receivedMs: number; readonly startedMs: number },
  ): RequestTrace {
    const counters = this.#countersOf(api, version, request);
    for (const each of counters) {
      each.requests[version] = (each.requests[version] ?? 0) + 1;
      each.requestBytes.record(frameBytes);
    }
    return new RequestTrace(counters, times.receivedMs, times.startedMs);
  }

  #countersOf(
    { apiKey, name }: { apiKey: number; name: string },
    version: number,
    request: unknown,
  ): readonly ApiCounters[] {
    if (apiKey === FETCH && isFollowers(version, request)) return this.#fetchByFollowers;
    const known = this.#byKey[apiKey];
    if (known !== undefined) return known;
    const added = [this.#add(name)];
    this.#byKey[apiKey] = added;
    return added;
  }

  #add(name: string): ApiCounters {
    const counters = new ApiCounters(name);
    this.#all.push(counters);
    return counters;
  }
}

function isFollowers(version: number, request: unknown): boolean {
  const { replicaId = -1, replicaState } = request as { replicaId?: number; replicaState?: { replicaId: number } };
  return (version < FIRST_FETCH_WITH_REPLICA_STATE ? replicaId : (replicaState?.replicaId ?? -1)) >= 0;
}

/** One for each part of the response that can have an error; a response that has none went well. */
function countErrors(response: unknown, counters: ApiCounters): void {
  if (visit(response, counters) === 0) counters.countError('NONE');
}

function visit(value: unknown, counters: ApiCounters): number {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    // Lists of plain values hold no errors.
    if (typeof value[0] === 'object') for (const element of value) count += visit(element, counters);
    return count;
  }
  if ('errorCode' in value && typeof value.errorCode === 'number') {
    // What failed as a whole, or is the innermost: Kafka counts the errors of partitions, not those around them.
    counters.countError(errorName(value.errorCode));
    count = 1;
  }
  return count + visitLists(value, counters);
}

function visitLists(value: object, counters: ApiCounters): number {
  let count = 0;
  for (const key in value) {
    const part: unknown = (value as Record<string, unknown>)[key];
    if (Array.isArray(part)) count += visit(part, counters);
  }
  return count;
}
