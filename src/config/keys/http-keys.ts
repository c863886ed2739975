/**
 * @pure The broker's keys about HTTP, which Kafka leaves to programs of their own. Without `http.listeners` there is no
 * HTTP, and nothing of it is loaded.
 */
import { type ConfigTable, choices, InvalidValue, listOf } from '../definition.ts';

export interface HttpListener {
  /** '' for all interfaces. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

function parseHttpListener(entry: string): HttpListener {
  const match = /^http:\/\/(?:\[([0-9a-fA-F:.]+)\]|([\w.-]*)):(\d{1,5})\/?$/.exec(entry);
  const port = Number(match?.[3] ?? -1);
  if (match === null || port > 65_535) throw new InvalidValue(`${entry} is not of the form http://host:port`);
  return { host: match[1] ?? match[2] ?? '', port };
}

export const HTTP_KEYS = {
  'http.listeners': listOf(
    '',
    'Addresses for HTTP (health, metrics, schemas), http://host:port; no host means all interfaces, none no HTTP.',
    parseHttpListener,
  ),
  'metrics.dialects': choices(
    ['jmx', 'confluent'],
    'jmx,confluent',
    'Whose names /metrics has where they differ: those of the JMX exporter (and Strimzi), those of Confluent.',
  ),
} satisfies ConfigTable;
