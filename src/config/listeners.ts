/**
 * @pure The listener settings of a broker: `NAME://host:port` lists, the map from listener names to security
 * protocols, and which listener the brokers use among themselves (Kafka's SocketServerConfigs,
 * CoreUtils.listenerListToEndPoints).
 *
 * Guarantees: listener names are upper case; texts of refusals are Kafka's, without the Java exception in front.
 */
import { SECURITY_PROTOCOL_IDS, type Endpoint, type SecurityProtocol } from '../model/broker.ts';

export class ListenerError extends Error {}

/** The text of `listener.security.protocol.map` when nobody sets it. */
export const DEFAULT_PROTOCOL_MAP = Object.keys(SECURITY_PROTOCOL_IDS)
  .map((name) => `${name}:${name}`)
  .join(',');

export type ProtocolMap = ReadonlyMap<string, SecurityProtocol>;

function isSecurityProtocol(text: string): text is SecurityProtocol {
  return Object.hasOwn(SECURITY_PROTOCOL_IDS, text);
}

export function parseProtocolMap(text: string): ProtocolMap {
  const map = new Map<string, SecurityProtocol>();
  for (const entry of csv(text)) {
    const colon = entry.lastIndexOf(':');
    const name = entry.slice(0, Math.max(colon, 0)).trim().toUpperCase();
    const protocol = entry.slice(colon + 1).trim();
    if (colon < 0 || name === '')
      throw new ListenerError(`Error parsing configuration property 'listener.security.protocol.map': ${entry}`);
    if (!isSecurityProtocol(protocol.toUpperCase()))
      throw new ListenerError(
        `Invalid security protocol \`${protocol}\` defined in listener.security.protocol.map. ` +
          `The valid ones are ${Object.keys(SECURITY_PROTOCOL_IDS).join(', ')}`,
      );
    map.set(name, protocol.toUpperCase() as SecurityProtocol);
  }
  return map;
}

/** `host` is '' for "all interfaces" in listeners and for "this machine's name" in advertised.listeners. */
export function parseListeners(text: string, protocols: ProtocolMap, requireDistinctPorts: boolean): Endpoint[] {
  const endpoints = csv(text).map((entry) => parseEndpoint(entry, protocols, text));
  if (new Set(endpoints.map((endpoint) => endpoint.listenerName)).size !== endpoints.length)
    throw new ListenerError(`Each listener must have a different name, listeners: ${text}`);
  if (requireDistinctPorts) checkPorts(endpoints, text);
  return endpoints;
}

function parseEndpoint(entry: string, protocols: ProtocolMap, all: string): Endpoint {
  const refuse = (reason: string) => new ListenerError(`Error creating broker listeners from '${all}': ${reason}`);
  const match = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$/.exec(entry);
  if (match === null) throw refuse(`Unable to parse ${entry} to a broker endpoint`);
  const [, name = '', host = '', portText = ''] = match;
  const listenerName = name.toUpperCase();
  const securityProtocol = protocols.get(listenerName);
  if (securityProtocol === undefined) throw refuse(`No security protocol defined for listener ${listenerName}`);
  const port = Number(portText);
  // Kafka notices a port out of range only when it binds; a configuration that cannot work is better refused with the
  // rest.
  if (port < 0 || port > 65535) throw refuse(`Port ${portText} of listener ${listenerName} is not between 0 and 65535`);
  return { listenerName, securityProtocol, host, port };
}

/**
 * One port may be shared by two listeners only when one has an IPv4 and the other an IPv6 address. Port 0 takes a
 * free one.
 */
function checkPorts(endpoints: readonly Endpoint[], text: string): void {
  const byPort = Map.groupBy(
    endpoints.filter(({ port }) => port !== 0),
    ({ port }) => port,
  );
  for (const [port, sharing] of byPort) {
    if (sharing.length === 1) continue;
    const families = sharing.map(({ host }) => addressFamily(host));
    if (families.every((family) => family === null))
      throw new ListenerError(`Each listener must have a different port, listeners: ${text}`);
    if (families.length !== 2 || !families.includes(4) || !families.includes(6))
      throw new ListenerError(
        'If you have two listeners on the same port then one needs to be IPv4 and the other IPv6, ' +
          `listeners: ${text}, port: ${port}`,
      );
  }
}

function addressFamily(host: string): 4 | 6 | null {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(host)) return 4;
  return host.includes(':') ? 6 : null;
}

export interface ListenerSettings {
  readonly listeners: string;
  readonly advertisedListeners: string | null;
  readonly protocolMap: string;
  readonly interBrokerListenerName: string | null;
  /** Only when the user set it: it must not be set beside inter.broker.listener.name. */
  readonly securityInterBrokerProtocol: string | null;
}

export interface ResolvedListeners {
  readonly listeners: readonly Endpoint[];
  readonly advertisedListeners: readonly Endpoint[];
  readonly interBrokerListenerName: string;
}

/**
 * @param canonicalHostname what an advertised listener without a host names
 * @throws ListenerError
 */
export function resolveListeners(settings: ListenerSettings, canonicalHostname: string): ResolvedListeners {
  const protocols = parseProtocolMap(settings.protocolMap);
  const listeners = parseListeners(settings.listeners, protocols, true);
  const advertised = parseListeners(settings.advertisedListeners ?? settings.listeners, protocols, false).map(
    (endpoint) => (endpoint.host === '' ? { ...endpoint, host: canonicalHostname } : endpoint),
  );
  const interBrokerListenerName = interBrokerName(settings, protocols);
  const names = (endpoints: readonly Endpoint[]) => endpoints.map(({ listenerName }) => listenerName);
  if (advertised.length === 0) throw new ListenerError('There must be at least one broker advertised listener.');
  if (!names(advertised).includes(interBrokerListenerName))
    throw new ListenerError(
      'inter.broker.listener.name must be a listener name defined in advertised.listeners. ' +
        `The valid options based on currently configured listeners are ${names(advertised).join(',')}`,
    );
  if (!names(advertised).every((name) => names(listeners).includes(name)))
    throw new ListenerError(
      'advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. ' +
        `Found ${names(advertised).join(',')}. ` +
        `The valid options based on the current configuration are ${names(listeners).join(',')}`,
    );
  if (advertised.some(({ host }) => host === '0.0.0.0'))
    throw new ListenerError(
      'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
    );
  return { listeners, advertisedListeners: advertised, interBrokerListenerName };
}

function interBrokerName(settings: ListenerSettings, protocols: ProtocolMap): string {
  const { interBrokerListenerName, securityInterBrokerProtocol } = settings;
  if (interBrokerListenerName === null) return securityInterBrokerProtocol ?? 'PLAINTEXT';
  if (securityInterBrokerProtocol !== null)
    throw new ListenerError('Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.');
  const name = interBrokerListenerName.toUpperCase();
  if (!protocols.has(name))
    throw new ListenerError(
      `Listener with name ${name} defined in inter.broker.listener.name not found in listener.security.protocol.map.`,
    );
  return name;
}

function csv(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
