/** @pure A broker as the cluster sees it. */
export const SECURITY_PROTOCOL_IDS = { PLAINTEXT: 0, SSL: 1, SASL_PLAINTEXT: 2, SASL_SSL: 3 } as const;
export type SecurityProtocol = keyof typeof SECURITY_PROTOCOL_IDS;

export interface Endpoint {
  readonly listenerName: string;
  readonly securityProtocol: SecurityProtocol;
  readonly host: string;
  readonly port: number;
}

/**
 * Under this name a broker tells the others where it listens for HTTP, among its listeners: they all hear of it with
 * their metadata, and clients of Kafka, who hear of the listener they use, do not.
 */
export const HTTP_LISTENER_NAME = 'BARNABAS_HTTP';

export interface BrokerInfo {
  readonly brokerId: number;
  /** czxid of the broker's registration znode: one per incarnation. */
  readonly brokerEpoch: number;
  readonly endpoints: readonly Endpoint[];
  readonly rack: string | null;
}

export function endpointOf(broker: Pick<BrokerInfo, 'endpoints'>, listenerName: string): Endpoint | undefined {
  return broker.endpoints.find((endpoint) => endpoint.listenerName === listenerName);
}
