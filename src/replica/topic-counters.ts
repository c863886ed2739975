/**
 * @pure What is counted for each topic of which this broker has a replica (Kafka's BrokerTopicMetrics): plain numbers
 * that grow, one object a topic, shared by its partitions. Nothing is looked up to count.
 */
import { KafkaError } from '../protocol/errors.ts';

export class TopicCounters {
  messagesIn = 0;
  bytesIn = 0;
  bytesOut = 0;
  bytesRejected = 0;
  /** Of single partitions, as Kafka counts them. */
  produceRequests = 0;
  fetchRequests = 0;
  failedProduceRequests = 0;
  failedFetchRequests = 0;
  replicationBytesIn = 0;
  replicationBytesOut = 0;
  /** Records that came in an older format. */
  produceMessageConversions = 0;
  invalidCrcRecords = 0;
  invalidSequenceRecords = 0;
  invalidMagicRecords = 0;
  keylessRecords = 0;

  add(other: TopicCounters): void {
    for (const name of COUNTED) this[name] += other[name];
  }
}

export type TopicCount = Exclude<keyof TopicCounters, 'add'>;
const COUNTED = Object.keys(new TopicCounters()) as TopicCount[];

/** An append that the log refused. */
export function countRefusal(counters: TopicCounters, error: unknown, sizeBytes: number, isCompacted: boolean): void {
  counters.failedProduceRequests++;
  if (!(error instanceof KafkaError)) return;
  switch (error.error) {
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE':
      counters.bytesRejected += sizeBytes;
      return;
    case 'CORRUPT_MESSAGE':
      counters.invalidCrcRecords++;
      return;
    case 'OUT_OF_ORDER_SEQUENCE_NUMBER':
    case 'INVALID_PRODUCER_EPOCH':
      counters.invalidSequenceRecords++;
      return;
    case 'INVALID_RECORD':
      if (isCompacted) counters.keylessRecords++;
      else counters.invalidMagicRecords++;
  }
}

/** The counters of a broker's topics. A topic that goes leaves its share in the total, which never falls. */
export class TopicCountersTable {
  readonly #topics = new Map<string, TopicCounters>();
  readonly #gone = new TopicCounters();

  of(topic: string): TopicCounters {
    let counters = this.#topics.get(topic);
    if (counters === undefined) {
      counters = new TopicCounters();
      this.#topics.set(topic, counters);
    }
    return counters;
  }

  /** This broker has no replica of the topic any more. */
  forget(topic: string): void {
    const counters = this.#topics.get(topic);
    if (counters === undefined) return;
    this.#topics.delete(topic);
    this.#gone.add(counters);
  }

  /** Requests for what is not here: they count in the total alone. */
  get elsewhere(): TopicCounters {
    return this.#gone;
  }

  get topics(): ReadonlyMap<string, TopicCounters> {
    return this.#topics;
  }

  total(): TopicCounters {
    const total = new TopicCounters();
    total.add(this.#gone);
    for (const counters of this.#topics.values()) total.add(counters);
    return total;
  }
}
