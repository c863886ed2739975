/** The ClusterClient of an admin command, made from its --bootstrap-server and --command-config. */
import { ClusterClient } from '../client/cluster-client.ts';
import { CommandError, logLine, type Terminal } from './command.ts';
import { readPropertiesFile } from './named-file.ts';

const REQUEST_TIMEOUT_MS = 30_000;
const API_TIMEOUT_MS = 60_000;

export interface AdminConnectionOptions {
  readonly bootstrapServers: string;
  /** Path of a properties file for the client, if one was named. */
  readonly commandConfig?: string | undefined;
  readonly clientId?: string;
  /** How long a broker has for an answer, unless the properties say otherwise. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** How long a call may take altogether, whatever the properties say. Default: what they say, or 60 s. */
  readonly apiTimeoutMs?: number;
}

export function connectAdmin(terminal: Terminal, options: AdminConnectionOptions): ClusterClient {
  const properties =
    options.commandConfig === undefined ? new Map<string, string>() : readPropertiesFile(options.commandConfig);
  refuseSecurity(properties);
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const apiTimeoutMs = options.apiTimeoutMs ?? milliseconds(properties, 'default.api.timeout.ms', API_TIMEOUT_MS);
  return new ClusterClient({
    bootstrapServers: options.bootstrapServers,
    clientId: properties.get('client.id') ?? options.clientId ?? 'adminclient-1',
    kind: 'AdminClient',
    clock: terminal.clock,
    // No answer is worth more time than the call has.
    requestTimeoutMs: Math.min(milliseconds(properties, 'request.timeout.ms', requestTimeoutMs), apiTimeoutMs),
    apiTimeoutMs,
    warn: (message, logger) => terminal.error(logLine(terminal.clock.nowMs(), 'WARN', message, logger)),
  });
}

/** A connection that was to be encrypted or authenticated must not be made in the clear. */
export function refuseSecurity(properties: ReadonlyMap<string, string>): void {
  const protocol = properties.get('security.protocol') ?? 'PLAINTEXT';
  if (protocol.toUpperCase() !== 'PLAINTEXT')
    throw new CommandError(`security.protocol=${protocol} is not supported yet: these tools speak PLAINTEXT only.`);
}

export function milliseconds(properties: ReadonlyMap<string, string>, key: string, byDefault: number): number {
  const text = properties.get(key);
  if (text === undefined) return byDefault;
  if (!/^\d+$/.test(text))
    throw new CommandError(`Invalid value ${text} for configuration ${key}: Not a number of type INT`);
  return Number(text);
}
