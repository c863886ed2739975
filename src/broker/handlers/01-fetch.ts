/**
 * Fetch v4-17: record batches for consumers and for follower replicas.
 *
 * Behaviour: answers at once when there are minBytes, an error, or a diverging log, else waits up to maxWaitMs for
 * news of the partitions it asked for. The first batch is sent even when it is larger than all limits (KIP-74). A
 * consumer sees what is committed; from v11 on it may read from a follower too (KIP-392), the rack id is taken but no
 * replica is preferred. A follower says by its fetch offset what it has; its broker epoch fences off earlier
 * incarnations (KIP-903). Records that lie in the page cache are read while the response is encoded; others are
 * loaded first, and whether they may be sent is checked again after.
 * Versions: sessions from v7 (KIP-227), currentLeaderEpoch from v9, zstd from v10, divergingEpoch from v12 (KIP-595),
 * topic ids from v13, replicaState from v15, the current leader with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH
 * from v16 (KIP-951).
 * Not here: v0-3, whose record formats are not written any more.
 */
import { Deferred } from '../../lib/deferred.ts';
import { type ErrorName, Errors, KafkaError } from '../../protocol/errors.ts';
import { Fetch } from '../../protocol/messages/01-fetch.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import { type RecordsSource, recordsSizeBytes } from '../../protocol/writer.ts';
import { Partition } from '../../replica/partition.ts';
import type { LogRecords } from '../../replica/replica-log.ts';
import { CurrentLeaders } from '../current-leader.ts';
import { type FetchAnswer, FetchLook, type FetchTerms } from '../fetch-look.ts';
import { type FetchContext, type FetchPartition, NO_SESSION } from '../fetch-session.ts';
import { handler, type RequestContext } from '../handler.ts';

type FetchRequest = RequestOf<typeof Fetch>;
type FetchResponse = ResponseOf<typeof Fetch>;
type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

const READ_COMMITTED = 1;
const NO_RECORDS = Buffer.alloc(0);
/** A follower that is expected for other partitions waits only so long for news of those it asked for. */
const AWAITED_FOLLOWER_WAIT_MS = 10;
const FIRST_VERSION = { storageError: 6, zstd: 10, readFromFollower: 11, replicaState: 15, currentLeader: 16 } as const;
const REDIRECTS: ReadonlySet<ErrorName> = new Set<ErrorName>(['NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH']);

export const fetch = handler(Fetch, { versions: '4-17' }, (context, request) => {
  const { broker, version, monotonicMs } = context;
  const terms = termsOf(request, version, broker.config.fetchMaxBytes);
  const sessionRequest = { ...request, version };
  const opened = broker.fetchSessions.open(sessionRequest, terms.replicaId >= 0, monotonicMs);
  if (typeof opened === 'string') return { errorCode: Errors[opened], sessionId: NO_SESSION, responses: [] };
  const look = new FetchLook(broker, opened.session, terms);
  look.look(true, monotonicMs);
  const hasNothingToWaitFor = request.maxWaitMs <= 0 || opened.session.partitions.size === 0;
  if (hasNothingToWaitFor || look.isEnough) return answer(context, opened, look);
  return waitForNews(context, opened, look, request.maxWaitMs);
});

function termsOf(request: FetchRequest, version: number, fetchMaxBytes: number): FetchTerms {
  const { replicaId, replicaEpoch } =
    version >= FIRST_VERSION.replicaState ? request.replicaState : { replicaId: request.replicaId, replicaEpoch: -1 };
  const maxBytes = Math.min(request.maxBytes, fetchMaxBytes);
  return {
    replicaId,
    brokerEpoch: replicaEpoch,
    isReadCommitted: request.isolationLevel === READ_COMMITTED,
    mustLead: replicaId >= 0 || version < FIRST_VERSION.readFromFollower,
    maxBytes,
    minBytes: Math.min(request.minBytes, maxBytes),
    refusesZstd: version < FIRST_VERSION.zstd,
  };
}

/** Parks the request until there is enough, it is told to finish, or its time is up; looks at most once a turn. */
async function waitForNews(
  context: RequestContext,
  opened: FetchContext,
  look: FetchLook,
  maxWaitMs: number,
): Promise<FetchResponse> {
  const { clock, replicas } = context.broker;
  const { session } = opened;
  const { replicaId } = look.terms;
  const isOver = new Deferred();
  let isScheduled = false;
  let hasJustLooked = false;
  session.wake = () => {
    if (isScheduled) return;
    isScheduled = true;
    clock.soon(() => {
      isScheduled = false;
      if (session.finish !== finish) return;
      look.look(false, clock.monotonicMs());
      hasJustLooked = look.isEnough;
      if (hasJustLooked) finish();
    });
  };
  const finish = (): void => {
    session.wake = null;
    session.finish = null;
    isOver.resolve();
  };
  session.finish = finish;
  const isAwaited = session.isFollower && replicas.awaitedFollowers.isAwaited(replicaId);
  const deadline = clock.schedule(isAwaited ? Math.min(AWAITED_FOLLOWER_WAIT_MS, maxWaitMs) : maxWaitMs, finish);
  const stopExpecting = session.isFollower ? replicas.awaitedFollowers.onExpected(replicaId, finish) : null;
  // Clients may ask for a wait of weeks, and go.
  const stopListening = context.connection.onClose(finish);
  await isOver.promise;
  stopListening();
  deadline.cancel();
  stopExpecting?.();
  // What was seen before the wait may be of the past, leadership included.
  if (!hasJustLooked) look.look(false, clock.monotonicMs());
  return answer(context, opened, look);
}

/** The response to what was looked at, now: synchronously unless records must be loaded from the disk first. */
function answer(
  context: RequestContext,
  opened: FetchContext,
  look: FetchLook,
): FetchResponse | Promise<FetchResponse> {
  for (const { read } of look.answers.values())
    if (read?.records !== null && read?.records !== undefined && !read.records.isHot)
      return answerLoaded(context, opened, look);
  return respond(context, opened, look.terms, look.answers, null);
}

type LoadedRecords = ReadonlyMap<FetchPartition, RecordsSource | Buffer>;

async function answerLoaded(context: RequestContext, opened: FetchContext, look: FetchLook): Promise<FetchResponse> {
  const { broker } = context;
  const loaded = new Map<FetchPartition, RecordsSource | Buffer>();
  const answers = new Map(look.answers);
  const epochs = new Map<FetchPartition, number>();
  const loads = [...look.answers].map(async ([target, { read }]): Promise<void> => {
    if (read === null || read.records === null) return;
    if (target.watched instanceof Partition) epochs.set(target, target.watched.leaderEpoch);
    try {
      loaded.set(target, await load(read.records));
    } catch (error) {
      if (target.watched instanceof Partition) target.watched.counters.failedFetchRequests++;
      broker.logger.error(`Cannot read ${target.topic}-${target.partition} at ${target.fetchOffset}`, error);
      answers.set(target, { error: error instanceof KafkaError ? error.error : 'KAFKA_STORAGE_ERROR', read: null });
    }
  });
  await Promise.all(loads);
  for (const target of loaded.keys()) {
    const partition = broker.replicas.find(target.topic ?? '', target.partition);
    const error =
      typeof partition === 'string' ? partition : partition.check(target.currentLeaderEpoch, look.terms.mustLead);
    const isSameEpoch = typeof partition !== 'string' && partition.leaderEpoch === epochs.get(target);
    if (error !== 'NONE' || !isSameEpoch)
      answers.set(target, { error: error === 'NONE' ? 'NOT_LEADER_OR_FOLLOWER' : error, read: null });
  }
  return respond(context, opened, look.terms, answers, loaded);
}

/**
 * Bytes in memory: what lies in the page cache is copied now, since by the time the rest is there the log may have
 * been cut.
 */
async function load(records: LogRecords): Promise<RecordsSource | Buffer> {
  if (!records.isHot) return records.load();
  const copy = Buffer.allocUnsafe(records.sizeBytes);
  records.copyInto(copy, 0);
  return copy;
}

function respond(
  context: RequestContext,
  { session, kind, expectedEpoch }: FetchContext,
  { isReadCommitted }: FetchTerms,
  answers: ReadonlyMap<FetchPartition, FetchAnswer>,
  loaded: LoadedRecords | null,
): FetchResponse {
  const { broker, version, connection } = context;
  if (session.epoch !== expectedEpoch)
    return { errorCode: Errors.INVALID_FETCH_SESSION_EPOCH, sessionId: session.id, responses: [] };
  const leaders = new CurrentLeaders(broker, connection.listenerName);
  const topics = new Map<string, { topic: string; topicId: string; partitions: PartitionAnswer[] }>();
  for (const [target, found] of answers) {
    // It may have been forgotten by a request of another connection meanwhile.
    if (kind === 'INCREMENTAL' && target.watched === null && found.read !== null) continue;
    const records = loaded?.get(target) ?? found.read?.records ?? null;
    if (!noteAnswer(target, found, records) && kind === 'INCREMENTAL') continue;
    const sizeBytes = recordsSizeBytes(records);
    if (sizeBytes > 0) {
      moveToEnd(target);
      count(target, sizeBytes);
    }
    const key = session.usesTopicIds ? target.topicId : (target.topic ?? '');
    let topic = topics.get(key);
    if (topic === undefined) {
      topic = { topic: target.topic ?? '', topicId: target.topicId, partitions: [] };
      topics.set(key, topic);
    }
    topic.partitions.push(partitionAnswer(target, found, records, version, leaders, isReadCommitted));
  }
  if (kind === 'FULL') broker.fetchSessions.keep(session, context.monotonicMs);
  if (session.id === NO_SESSION) session.close();
  return {
    errorCode: Errors.NONE,
    sessionId: kind === 'SESSIONLESS' ? NO_SESSION : session.id,
    responses: [...topics.values()],
    nodeEndpoints: version >= FIRST_VERSION.currentLeader ? leaders.nodeEndpoints : [],
  };
}

function noteAnswer(
  target: FetchPartition,
  { error, read }: FetchAnswer,
  records: RecordsSource | Buffer | null,
): boolean {
  const hasContent = recordsSizeBytes(records) > 0 || (read !== null && read.divergingEpoch !== null);
  const highWatermark = read?.highWatermark ?? -1;
  return target.noteAnswer({ error, highWatermark, logStartOffset: read?.logStartOffset ?? -1, hasContent });
}

function count({ watched, session }: FetchPartition, sizeBytes: number): void {
  if (!(watched instanceof Partition)) return;
  if (session.isFollower) watched.counters.replicationBytesOut += sizeBytes;
  else watched.counters.bytesOut += sizeBytes;
}

/** Who was served comes last the next time, so that with more news than room everyone has a turn. */
function moveToEnd(target: FetchPartition): void {
  const { dirty } = target.session;
  dirty.delete(target);
  dirty.add(target);
}

function partitionAnswer(
  target: FetchPartition,
  { error, read }: FetchAnswer,
  records: RecordsSource | Buffer | null,
  version: number,
  leaders: CurrentLeaders,
  isReadCommitted: boolean,
): PartitionAnswer {
  const isUnknownToOldClients = error === 'KAFKA_STORAGE_ERROR' && version < FIRST_VERSION.storageError;
  const isRedirect = version >= FIRST_VERSION.currentLeader && REDIRECTS.has(error) && target.topic !== null;
  return {
    partitionIndex: target.partition,
    errorCode: Errors[isUnknownToOldClients ? 'NOT_LEADER_OR_FOLLOWER' : error],
    highWatermark: read?.highWatermark ?? -1,
    lastStableOffset: read?.lastStableOffset ?? -1,
    logStartOffset: read?.logStartOffset ?? -1,
    // There are no transactions to abort, but who reads committed records is told so.
    abortedTransactions: isReadCommitted && read !== null ? [] : null,
    records: records ?? NO_RECORDS,
    ...(read !== null && read.divergingEpoch !== null && { divergingEpoch: read.divergingEpoch }),
    ...(isRedirect && { currentLeader: leaders.of(target.topic ?? '', target.partition) }),
  };
}
