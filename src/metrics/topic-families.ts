/** @pure Kafka's BrokerTopicMetrics: each as a total without a label and, beside it, one for each topic. */
import type { Dialects } from './dialect.ts';
import { atMost, labelsOf, type MetricFamily, NO_LABELS, type Sample } from './family.ts';
import type { MetricSources, TopicNumbers } from './sources.ts';

const PREFIX = 'kafka_server_brokertopicmetrics_';
/** With more, the total still counts all. */
export const MAX_TOPICS = 10_000;

const BY_TOPIC: readonly (readonly [name: string, field: keyof TopicNumbers, help: string])[] = [
  ['messagesin', 'messagesIn', 'Records that were appended by producers'],
  ['bytesin', 'bytesIn', 'Bytes that were appended by producers'],
  ['bytesout', 'bytesOut', 'Bytes that consumers fetched'],
  ['bytesrejected', 'bytesRejected', 'Bytes that were refused for their size'],
  ['totalproducerequests', 'produceRequests', 'Appends to a partition that were asked for'],
  ['totalfetchrequests', 'fetchRequests', 'Reads of a partition that were asked for'],
  ['failedproducerequests', 'failedProduceRequests', 'Appends to a partition that were refused'],
  ['failedfetchrequests', 'failedFetchRequests', 'Reads of a partition that failed'],
  ['producemessageconversions', 'produceMessageConversions', 'Records that came in an older format'],
];

const IN_TOTAL: readonly (readonly [name: string, field: keyof TopicNumbers, help: string])[] = [
  ['replicationbytesin', 'replicationBytesIn', 'Bytes that this broker fetched from leaders'],
  ['replicationbytesout', 'replicationBytesOut', 'Bytes that followers fetched'],
  ['invalidmagicnumberrecords', 'invalidMagicRecords', 'Batches refused for their format'],
  ['invalidmessagecrcrecords', 'invalidCrcRecords', 'Batches refused for their checksum'],
  ['invalidoffsetorsequencerecords', 'invalidSequenceRecords', 'Batches refused for their sequence number'],
  ['nokeycompactedtopicrecords', 'keylessRecords', 'Batches refused for a record without a key'],
];

/** Conversions for old consumers and reassignments do not happen here: they are 0 for panels that add them. */
const NEVER: readonly (readonly [name: string, help: string])[] = [
  ['fetchmessageconversions', 'Records that were made older for a consumer'],
  ['reassignmentbytesin', 'Bytes fetched for replicas that are being added'],
  ['reassignmentbytesout', 'Bytes fetched by replicas that are being added'],
];

export function topicFamilies({ topics }: MetricSources, dialects: Dialects): MetricFamily[] {
  const samples = (field: keyof TopicNumbers) =>
    function* (): Generator<Sample, void, undefined> {
      yield [NO_LABELS, topics.total()[field]];
      for (const [topic, numbers] of atMost(MAX_TOPICS, topics.topics)) yield [labelsOf({ topic }), numbers[field]];
    };
  return [
    ...BY_TOPIC.flatMap(([name, field, help]) => dialects.meter(PREFIX + name, help, samples(field))),
    ...IN_TOTAL.flatMap(([name, field, help]) =>
      dialects.meter(PREFIX + name, help, () => [[NO_LABELS, topics.total()[field]]]),
    ),
    ...NEVER.flatMap(([name, help]) => dialects.meter(PREFIX + name, help, () => [[NO_LABELS, 0]])),
  ];
}
