/**
 * @pure What consumers tell each other through a group of the classic protocol whose protocolType is `consumer`: the
 * metadata they join with and the assignment they get. A broker looks into them to say what a group reads, to delete
 * offsets and to let a group change protocols. Kafka: ConsumerProtocol.
 *
 * Subscription v1 adds ownedPartitions (KIP-429), v2 generationId (KIP-792), v3 rackId (KIP-881). Newer versions are
 * read as v3: Kafka promises that they will only append. The bytes come from clients: decode() throws RangeError for
 * what is not such a message, and only the version that decode() gives back tells what it claimed to be.
 */
import { array, bytes, int32, string } from '../schema.ts';
import { defineStoredRecord } from '../stored-record.ts';

/** The protocolType of groups whose members speak this. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

export const ConsumerProtocolSubscription = defineStoredRecord({
  name: 'ConsumerProtocolSubscription',
  validVersions: '0-3',
  readsNewer: true,
  fields: {
    topics: array(string()),
    userData: bytes({ nullable: '0+', default: null }),
    ownedPartitions: array({ topic: string(), partitions: array(int32()) }, { versions: '1+', ignorable: true }),
    generationId: int32({ versions: '2+', default: -1, ignorable: true }),
    rackId: string({ versions: '3+', nullable: '3+', default: null, ignorable: true }),
  },
});

export const ConsumerProtocolAssignment = defineStoredRecord({
  name: 'ConsumerProtocolAssignment',
  validVersions: '0-3',
  readsNewer: true,
  fields: {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes({ nullable: '0+', default: null }),
  },
});
