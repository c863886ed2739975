/** kafkajs deals partitions out by a protocol of its own; this is the one that Java's clients and ours have, too. */
import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';

const NAME = 'range';
const VERSION = 1;

export const rangeAssigner: PartitionAssigner = ({ cluster }) => ({
  name: NAME,
  version: VERSION,
  protocol: ({ topics }) => ({
    name: NAME,
    metadata: AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.alloc(0) }),
  }),
  assign: async ({ members, topics }) => {
    const memberIds = members.map(({ memberId }) => memberId).sort();
    const shares = new Map(memberIds.map((memberId) => [memberId, {} as Record<string, number[]>]));
    for (const topic of topics) {
      const count = cluster.findTopicPartitionMetadata(topic).length;
      memberIds.forEach((memberId, index) => {
        const [from, to] = [index, index + 1].map((i) => Math.ceil((count * i) / memberIds.length));
        const share = shares.get(memberId) ?? {};
        share[topic] = Array.from({ length: (to ?? 0) - (from ?? 0) }, (_, i) => (from ?? 0) + i);
      });
    }
    return [...shares].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: VERSION,
        assignment,
        userData: Buffer.alloc(0),
      }),
    }));
  },
});
