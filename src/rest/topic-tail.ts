/**
 * Follows a topic for a reader of server-sent events: every new record of all its partitions, or of one, as an event.
 *
 * Guarantees: of each partition every record from the start on is shown once and in order; the id of an event says
 * where all partitions go on, and a reader that comes back with it misses none and, unless the topic has very many
 * partitions, sees none twice; nothing is fetched while the reader does not take what is there; asking for a topic
 * never creates it. Nothing is said before it is known where the partitions begin: who has an answer misses nothing
 * that is written from then on. A tail ends with an event that says why.
 */
import type { ClusterClient } from '../client/cluster-client.ts';
import type { ConsumedRecord } from '../client/consumed-record.ts';
import { type ConsumerSettings, type PartitionStart, RecordConsumer } from '../client/record-consumer.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import type { Logger } from '../lib/logger.ts';
import { commentText, eventText, idText, retryText } from './event-stream.ts';
import type { RecordView, Shown, ViewFormat } from './record-view.ts';
import { restErrorOf } from './rest-errors.ts';
import { endMark, positionText, type TailPosition } from './tail-position.ts';

export interface TailRequest {
  readonly topic: string;
  /** All when null. */
  readonly partition: number | null;
  readonly from: PartitionStart;
  /** Where an earlier tail ended, instead of `from`. */
  readonly resume: TailPosition | null;
  readonly format: ViewFormat | null;
  /** Records after which the tail ends; null for never. */
  readonly limit: number | null;
}

/** Where the text goes. */
export interface TailOutput {
  /** Takes the text in any case; false when nothing more is to be given before whenDrained. */
  write(text: string): boolean;
  /** Resolves also when there is nobody any more. */
  whenDrained(): Promise<void>;
}

/** What the broker knows of a topic. */
export interface TailedTopics {
  /** Another one when the topic was deleted and made again; null when there is no such topic. */
  topicId(topic: string): string | null;
  partitionCount(topic: string): number;
  /** Until the returned function is called. */
  onChange(listener: () => void): () => void;
}

export interface TailSurroundings {
  readonly topics: TailedTopics;
  /** A client of its own for each call: it is closed in the end. */
  readonly newClient: () => ClusterClient;
  readonly view: RecordView;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type TailEnd = 'limit' | 'topic_deleted' | 'shutdown' | 'error' | 'disconnected';

const RETRY_MS = 3000;
const HEARTBEAT_MS = 15_000;
/** By then it is known where an offset that does not exist has led. */
const FIRST_HEARTBEAT_MS = 1000;
/** A partition that has no leader for so long is not waited for: it begins where it is found. */
const PLACING_MS = 5000;
/** Beyond this the position goes with the heartbeats alone … */
const MAX_EVENT_ID_LENGTH = 1024;
/** … and beyond this it would not come back: HTTP bounds the headers of a request. */
const MAX_ID_LENGTH = 8192;

const FETCHING: Omit<ConsumerSettings, 'topics' | 'partition' | 'start'> = {
  reset: 'earliest',
  staysNear: true,
  isReadCommitted: false,
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 512 * 1024,
  maxPartitionBytes: 128 * 1024,
  checksCrc: true,
  metadataMaxAgeMs: 10_000,
  mayCreateTopics: false,
};

export class TopicTail {
  readonly #request: TailRequest;
  readonly #surroundings: TailSurroundings;
  readonly #output: TailOutput;
  readonly #consumer: RecordConsumer;
  readonly #clients: readonly ClusterClient[];
  readonly #topicId: string | null;
  /** Records that the consumer has passed and the reader has not been given: partition to offset. */
  readonly #underway = new Map<number, number>();
  #end: TailEnd | null = null;
  #message: string | null = null;
  #count = 0;
  /** Records that wait for the reader: each is a call that lets it go on. */
  readonly #blocked = new Set<() => void>();
  #isOpen = false;
  readonly #opened = new Deferred();
  #toldPosition = '';
  #heartbeat: Timer | null = null;

  constructor(request: TailRequest, surroundings: TailSurroundings, output: TailOutput) {
    this.#request = request;
    this.#surroundings = surroundings;
    this.#output = output;
    this.#topicId = surroundings.topics.topicId(request.topic);
    const lookingUp = surroundings.newClient();
    const fetching = surroundings.newClient();
    this.#clients = [lookingUp, fetching];
    this.#consumer = new RecordConsumer(lookingUp, fetching, this.#settings(), (record) => this.#take(record));
  }

  /** Resolves with the reason when nothing more will be written. */
  async run(): Promise<TailEnd> {
    const stopListening = this.#surroundings.topics.onChange(() => this.#checkTopic());
    this.#checkTopic();
    this.#heartbeat = this.#surroundings.clock.schedule(PLACING_MS, () => this.#open());
    void this.#consumer.whenPlaced.then(() => this.#open());
    try {
      await this.#consumer.run();
    } catch (error) {
      // What fails because everything was closed has its reason already.
      if (this.#end === null) this.#fail(error);
    } finally {
      stopListening();
      this.stop('error');
    }
    return this.#end ?? 'error';
  }

  /** A reader that has seen no record yet can come back, too. */
  #open(): void {
    if (this.#end !== null || this.#isOpen) return;
    this.#heartbeat?.cancel();
    this.#sayRetry();
    this.#beat();
    this.#scheduleHeartbeat(FIRST_HEARTBEAT_MS);
    this.#opened.resolve();
  }

  #sayRetry(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#output.write(retryText(RETRY_MS));
  }

  /** May be called more than once; the first reason counts. */
  stop(reason: TailEnd): void {
    if (this.#end !== null) return;
    this.#end = reason;
    this.#heartbeat?.cancel();
    this.#consumer.stop();
    for (const client of this.#clients) client.close();
    this.#opened.resolve();
    if (reason !== 'disconnected') this.#sayEnd(reason);
    for (const resume of this.#blocked) resume();
    this.#blocked.clear();
  }

  #settings(): ConsumerSettings {
    const { topic, partition, from, resume } = this.#request;
    const knownCount = this.#surroundings.topics.partitionCount(topic);
    const settings = { ...FETCHING, topics: [topic], partition, start: from };
    // What was made anew under the same name has nothing of what the reader has seen.
    if (resume !== null && (resume.topicId ?? this.#topicId) !== this.#topicId)
      return { ...settings, start: 'earliest' };
    const lastResumed = Math.max(-1, ...(resume?.offsets.keys() ?? []));
    return {
      ...settings,
      startOf: (_topic, index) => {
        const isNew = resume === null ? index >= knownCount : index > lastResumed;
        // A partition that was added since is read from its first record on.
        return resume?.offsets.get(index) ?? (isNew && partition === null ? 'earliest' : from);
      },
    };
  }

  #checkTopic(): void {
    const { topics } = this.#surroundings;
    if (topics.topicId(this.#request.topic) !== this.#topicId) this.stop('topic_deleted');
  }

  /** Called for one record of a partition at a time, but for several partitions at once. */
  async #take(record: ConsumedRecord): Promise<void> {
    const { limit, format } = this.#request;
    const { view } = this.#surroundings;
    this.#underway.set(record.partition, record.offset);
    await this.#opened.promise;
    const [key, value] = await Promise.all([view.show(record.key, format), view.show(record.value, format)]);
    if (this.#end !== null) return;
    this.#underway.delete(record.partition);
    const id = this.#position();
    const mayGoOn = this.#output.write(
      eventText('record', id.length > MAX_EVENT_ID_LENGTH ? null : id, dataOf(record, key, value, view)),
    );
    if (++this.#count === limit) this.stop('limit');
    else if (!mayGoOn) await this.#whenDrained();
  }

  /** One that takes nothing any more is for the output to find out. */
  async #whenDrained(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#blocked.add(resolve);
      void this.#output.whenDrained().then(() => {
        this.#blocked.delete(resolve);
        resolve();
      });
    });
  }

  /** Empty while nothing is known. */
  #position(): string {
    const offsets = new Map(this.#consumer.positions().map(({ partition, offset }) => [partition, offset]));
    for (const [partition, offset] of this.#underway) offsets.set(partition, offset);
    return offsets.size === 0 ? '' : positionText({ offsets, topicId: this.#topicId });
  }

  #scheduleHeartbeat(delayMs: number): void {
    this.#heartbeat = this.#surroundings.clock.schedule(delayMs, () => {
      if (this.#blocked.size === 0) this.#beat();
      this.#scheduleHeartbeat(HEARTBEAT_MS);
    });
  }

  #beat(): void {
    const position = this.#position();
    const isNews = position !== this.#toldPosition && position !== '' && position.length <= MAX_ID_LENGTH;
    if (isNews) this.#toldPosition = position;
    this.#output.write(commentText('heartbeat') + (isNews ? idText(position) : ''));
  }

  #fail(error: unknown): void {
    const known = restErrorOf(error);
    if (known === null) this.#surroundings.logger.error(`The tail of ${this.#request.topic} failed`, error);
    this.#message = known?.message ?? 'Internal Server Error';
    this.stop('error');
  }

  #sayEnd(reason: TailEnd): void {
    this.#sayRetry();
    const position = this.#position();
    const known = position.length > MAX_ID_LENGTH ? '' : position;
    // A browser comes back by itself, after as many records as it wanted, too: by this it is known then.
    const id = reason === 'limit' ? endMark(known) : known === '' ? null : known;
    const message = this.#message === null ? {} : { message: this.#message };
    this.#output.write(eventText('end', id, JSON.stringify({ reason, ...message })));
  }
}

function dataOf(record: ConsumedRecord, key: Shown, value: Shown, view: RecordView): string {
  const { topic, partition, offset, timestampMs, timestampType, headers } = record;
  const timestamp = timestampType === null ? null : timestampMs;
  // Key and value are JSON already, and stay as they were written.
  return (
    `{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":${offset},"timestamp":${timestamp},` +
    `"key":${key.json},"key_format":${JSON.stringify(key.format)},` +
    `"value":${value.json},"value_format":${JSON.stringify(value.format)},` +
    `"headers":[${headers.map((header) => view.showHeader(header)).join(',')}]}`
  );
}
