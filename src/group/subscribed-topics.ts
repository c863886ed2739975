/**
 * @pure What the members of a classic consumer group read, as they say in the metadata they joined with. The bytes
 * are the clients'; a member whose bytes cannot be read makes the answer unknown, not wrong.
 */
import { array, string } from '../protocol/schema.ts';
import { defineStoredRecord } from '../protocol/stored-record.ts';

/**
 * The beginning that every version of ConsumerProtocolSubscription has, and must have. Nothing more is read: there are
 * clients whose newer fields are not as they claim. (So does Kafka.)
 */
const SubscriptionPrefix = defineStoredRecord({
  name: 'ConsumerProtocolSubscription',
  validVersions: '0',
  readsNewer: true,
  fields: { topics: array(string()) },
});

/** null: at least one of them cannot be read. No members read nothing. */
export function subscribedTopics(metadata: readonly (Buffer | null)[]): ReadonlySet<string> | null {
  const topics = new Set<string>();
  for (const bytes of metadata) {
    const subscription = bytes === null ? null : readSubscription(bytes);
    if (subscription === null) return null;
    for (const topic of subscription) topics.add(topic);
  }
  return topics;
}

function readSubscription(bytes: Buffer): readonly string[] | null {
  try {
    return SubscriptionPrefix.decode(bytes).value.topics;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
