/** Consumer instances of the REST Proxy behind HTTP: what they are made of in a broker. */
import type { Broker } from './broker/broker.ts';
import type { ClusterClient } from './client/cluster-client.ts';
import { restV2Consumers } from './http/rest-v2-consumers.ts';
import type { Random } from './lib/random.ts';
import { ConsumerInstances } from './rest/consumer-instances.ts';
import type { SchemaLookup } from './rest/schema-lookup.ts';

export interface ConsumersFrontOptions {
  readonly broker: Broker;
  readonly random: Random;
  readonly schemas: SchemaLookup;
  readonly connect: (clientId: string) => ClusterClient;
}

export interface ConsumersFront {
  readonly plugin: ReturnType<typeof restV2Consumers>;
  /** Instances commit and leave their groups: to be called while the cluster can hear them. */
  close(): Promise<void>;
}

export function openConsumers({ broker, random, schemas, connect }: ConsumersFrontOptions): ConsumersFront {
  const logger = broker.logger.named('barnabas.rest.ConsumerInstances');
  const { brokerId, clock } = broker;
  const instances = new ConsumerInstances({ brokerId, clock, random, logger, connect, schemas });
  return { plugin: restV2Consumers({ instances, logger }), close: () => instances.close() };
}
