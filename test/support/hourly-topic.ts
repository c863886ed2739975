/** A topic whose records have the times of the last hours, for what finds offsets by time. */
import { createTopic, kafkaClient } from './admin.ts';
import type { TestCluster } from './cluster.ts';

const HOUR_MS = 3_600_000;
const HOURS = [5, 4, 3, 2, 1];
const STARTED_AT = Date.now();

/** Where each of the two partitions ends. */
export const HOURLY_RECORDS = HOURS.length;

/**
 * The time of the record that is that many hours old, half an hour less in truth: so a whole number of hours ago lies
 * between two records for as long as a test runs.
 */
export const hoursAgo = (hours: number): number => STARTED_AT - hours * HOUR_MS + HOUR_MS / 2;

/** Two partitions, each with a record of five, four, three, two hours and one hour ago, in batches of their own. */
export async function createHourlyTopic(cluster: TestCluster, topic: string): Promise<void> {
  await createTopic(cluster, topic, { partitions: 2, configs: { 'retention.ms': '-1' } });
  const producer = kafkaClient(cluster).producer();
  await producer.connect();
  for (const hours of HOURS) {
    const message = { value: `${hours}`, timestamp: String(hoursAgo(hours)) };
    await producer.send({ topic, messages: [0, 1].map((partition) => ({ ...message, partition })) });
  }
  await producer.disconnect();
}
