/** ElectLeaders, which no client library for Node knows: its request by hand. */
import { createAPI, type Reader, Writer } from '@platformatic/kafka';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { whenControlled, withConnection } from './wire-client.ts';

const ELECT_LEADERS = 43;
const NOT_CONTROLLER = 41;

/** Version 2: election type, topics with their partitions, timeout; the answer has a code for all and one for each. */
const electLeadersV2 = createAPI(
  ELECT_LEADERS,
  2,
  (electionType: number, topic: string, partition: number) =>
    Writer.create()
      .appendInt8(electionType)
      .appendArray([topic], (writer, name) => {
        writer.appendString(name).appendArray([partition], (w, index) => w.appendInt32(index), true, false);
      })
      .appendInt32(8000)
      .appendTaggedFields(),
  (_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader) => {
    reader.readInt32(); // throttleTimeMs
    const errorCode = reader.readInt16();
    const results = reader.readArray((topic) => {
      topic.readString();
      return topic.readArray((partition) => {
        partition.readInt32();
        const code = partition.readInt16();
        partition.readNullableString();
        return code;
      });
    });
    return errorCode === 0 ? (results[0]?.[0] ?? 0) : errorCode;
  },
);

/** Asks the controller for an election (0 preferred, 1 unclean) and returns the partition's error code. */
export async function electLeaders(
  cluster: TestCluster,
  electionType: number,
  topic: string,
  partition: number,
): Promise<number> {
  return eventually(async () => {
    const controller = cluster.broker(await whenControlled(cluster));
    const code = await withConnection(controller.address, (connection) =>
      electLeadersV2.async(connection, electionType, topic, partition),
    );
    if (code === NOT_CONTROLLER) throw new Error('the controller has moved');
    return code;
  });
}
