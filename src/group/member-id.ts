/** @pure The ids that a coordinator gives to members: Kafka's client id, a dash, and a random UUID (version 4). */
const UUID_BYTES = 16;

/** @param bytes 16 random ones */
export function newMemberId(prefix: string, bytes: Buffer): string {
  const uuid = Buffer.from(bytes.subarray(0, UUID_BYTES));
  uuid.writeUInt8((uuid.readUInt8(6) & 0x0f) | 0x40, 6);
  uuid.writeUInt8((uuid.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = uuid.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return `${prefix}-${parts.join('-')}`;
}
