/**
 * The connections from this broker to the others, by purpose: a request of one purpose never waits behind those of
 * another. Fits the rooms' ports with the clients of net/.
 */
import type { BrokerConfig } from './config/broker-config.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import type { MetadataCache } from './metadata/metadata-cache.ts';
import { type BrokerInfo, type Endpoint, endpointOf } from './model/broker.ts';
import { BrokerClient } from './net/broker-client.ts';
import { type ControllerAddress, ControllerChannel } from './net/controller-channel.ts';

export interface LinksOptions {
  readonly config: BrokerConfig;
  readonly metadata: MetadataCache;
  readonly clock: Clock;
  readonly logger: Logger;
  /** As ZooKeeper last said; -1 if there is none. */
  readonly activeControllerId: () => number;
}

/** A fetcher reads megabytes of records at once. */
const FETCH_RECEIVE_BUFFER_BYTES = 1024 * 1024;

export class Links {
  readonly #options: LinksOptions;
  readonly #channels = new Map<string, ControllerChannel>();

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** The way to whoever is the controller, one for each purpose. */
  toController(purpose: string): ControllerChannel {
    const known = this.#channels.get(purpose);
    if (known !== undefined) return known;
    const { config, clock, logger } = this.#options;
    const channel = new ControllerChannel({
      controller: () => this.#controllerAddress(),
      clientId: `broker-${config.brokerId}-to-controller-${purpose}`,
      clock,
      logger: logger.named('kafka.server.BrokerToControllerRequestThread'),
      requestTimeoutMs: config.requestTimeoutMs,
    });
    this.#channels.set(purpose, channel);
    return channel;
  }

  /** For a fetcher: the leader under its current address, null while that is not known. */
  toLeader(leaderId: number): BrokerClient | null {
    const { config, metadata } = this.#options;
    const endpoint = metadata.endpoint(leaderId, config.interBrokerListenerName);
    if (endpoint === undefined) return null;
    return this.#connect(endpoint, `broker-${config.brokerId}-fetcher-${leaderId}`, {
      requestTimeoutMs: config.replicaSocketTimeoutMs,
      receiveBufferBytes: FETCH_RECEIVE_BUFFER_BYTES,
    });
  }

  /** For the controller: a broker that it found registered. */
  toBroker(broker: BrokerInfo): BrokerClient {
    const { config } = this.#options;
    const endpoint = endpointOf(broker, config.interBrokerListenerName);
    if (endpoint === undefined)
      throw new Error(`Broker ${broker.brokerId} has no listener ${config.interBrokerListenerName}`);
    const requestTimeoutMs = config.controllerSocketTimeoutMs;
    return this.#connect(endpoint, `controller-${config.brokerId}-to-broker-${broker.brokerId}`, { requestTimeoutMs });
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }

  #connect(
    { host, port }: Endpoint,
    clientId: string,
    options: { requestTimeoutMs: number; receiveBufferBytes?: number },
  ): BrokerClient {
    const { clock, logger } = this.#options;
    return new BrokerClient({
      host,
      port,
      clientId,
      clock,
      logger: logger.named('kafka.network.BrokerClient'),
      ...options,
    });
  }

  #controllerAddress(): ControllerAddress | null {
    const { config, metadata, activeControllerId } = this.#options;
    const brokerId = activeControllerId();
    const endpoint = metadata.endpoint(brokerId, config.interBrokerListenerName);
    return endpoint === undefined ? null : { brokerId, host: endpoint.host, port: endpoint.port };
  }
}
