/**
 * @pure Where a group lives: Kafka's Utils.abs(groupId.hashCode()) % partitions. Guarantees the number that every Kafka
 * broker and tool computes, so that a group stays on its partition of __consumer_offsets.
 */

/** Java's String.hashCode, an int32: over UTF-16 code units, as JavaScript's strings have them. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

/** The partition of __consumer_offsets that coordinates the group. */
export function partitionFor(groupId: string, partitionCount: number): number {
  const hash = javaHashCode(groupId);
  // The least int32 has no absolute value among them. Producers drop the sign of a key's hash instead.
  return (hash === -0x8000_0000 ? 0 : Math.abs(hash)) % partitionCount;
}
