/** Tails of topics over HTTP: what they know of the cluster, and the connections that each of them has to itself. */
import type { Broker } from './broker/broker.ts';
import type { ClusterClient } from './client/cluster-client.ts';
import { tailRoutes } from './http/tail.ts';
import { SCHEMAS_TOPIC_NAME } from './model/topic-names.ts';
import { RecordView } from './rest/record-view.ts';
import type { SchemaLookup } from './rest/schema-lookup.ts';

/** @param newClient makes a client whose connections nobody else uses */
export function tailPlugin(
  { clock, metadata, logger }: Broker,
  newClient: () => ClusterClient,
  schemas: SchemaLookup,
): ReturnType<typeof tailRoutes> {
  const hasRegistry = (): boolean => metadata.topicId(SCHEMAS_TOPIC_NAME) !== undefined;
  return tailRoutes({
    topics: {
      topicId: (topic) => metadata.topicId(topic) ?? null,
      partitionCount: (topic) => metadata.image.topics.get(topic)?.partitions.size ?? 0,
      onChange: (listener) => metadata.onChange(() => listener()),
    },
    newClient,
    view: new RecordView({ schemas, hasRegistry, clock }),
    clock,
    logger: logger.named('barnabas.rest.TopicTail'),
  });
}
