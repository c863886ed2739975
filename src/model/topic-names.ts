/**
 * @pure What a topic may be called (Kafka's org.apache.kafka.common.internals.Topic), in Kafka's words. Names become
 * directories and znodes, so this is also what keeps `..` and `/` out of both.
 */
export const MAX_TOPIC_NAME_LENGTH = 249;
export const GROUP_METADATA_TOPIC_NAME = '__consumer_offsets';
export const TRANSACTION_STATE_TOPIC_NAME = '__transaction_state';
/** Where a Schema Registry keeps what it knows. To Kafka a topic like any other. */
export const SCHEMAS_TOPIC_NAME = '_schemas';
export const CLUSTER_METADATA_TOPIC_NAME = '__cluster_metadata';

const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  GROUP_METADATA_TOPIC_NAME,
  TRANSACTION_STATE_TOPIC_NAME,
  '__share_group_state',
]);

/** Why the name is refused, with Kafka's InvalidTopicException text; null when it may be used. */
export function invalidTopicName(name: string): string | null {
  const reason = reasonAgainst(name);
  return reason === null ? null : `Topic name is invalid: ${reason}`;
}

function reasonAgainst(name: string): string | null {
  if (name === '') return 'the empty string is not allowed';
  if (name === '.') return "'.' is not allowed";
  if (name === '..') return "'..' is not allowed";
  if (name.length > MAX_TOPIC_NAME_LENGTH)
    return `the length of '${name}' is longer than the max allowed length ${MAX_TOPIC_NAME_LENGTH}`;
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  return null;
}

/** Topics that belong to the cluster itself. */
export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}

/** Metric names turn '.' into '_', so `a.b` and `a_b` would share theirs and must not both exist. */
export function hasCollision(one: string, other: string): boolean {
  return unifyCollisionChars(one) === unifyCollisionChars(other);
}

export function hasCollisionChars(name: string): boolean {
  return name.includes('_') || name.includes('.');
}

function unifyCollisionChars(name: string): string {
  return name.replaceAll('.', '_');
}
