/**
 * @pure The broker's keys about HTTP, which Kafka leaves to programs of their own. Without `http.listeners` there is no
 * HTTP, and nothing of it is loaded.
 */
import {
  type Check,
  type ConfigTable,
  choiceIgnoringCase,
  choices,
  InvalidValue,
  list,
  listOf,
  string,
} from '../definition.ts';

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

/** `https://host`, perhaps with a port; a host may begin with `*.`; or `*` for everybody. */
const ORIGIN = /^(\*|https?:\/\/(\*\.)?[\w.-]+(:\d{1,5})?)$/;
const TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;

function each(matches: RegExp, what: string): Check<string[]> {
  return (entries) => {
    const wrong = entries.find((entry) => !matches.test(entry));
    return wrong === undefined ? null : `${wrong} is not ${what}`;
  };
}

const LEVELS = [
  'none',
  'backward',
  'backward_transitive',
  'forward',
  'forward_transitive',
  'full',
  'full_transitive',
] as const;

function levelOrNothing(value: string): string | null {
  const isKnown = value === '' || LEVELS.some((level) => level === value.toLowerCase());
  return isKnown ? null : `String must be one of (case insensitive): ${LEVELS.join(', ').toUpperCase()}`;
}

export const HTTP_KEYS = {
  'http.listeners': listOf(
    '',
    'Addresses for HTTP (health, metrics, schemas), http://host:port; no host means all interfaces, none no HTTP.',
    parseHttpListener,
  ),
  'access.control.allow.origin': list(
    '',
    'Origins whose pages may read what HTTP answers: https://host, https://*.domain, or * for all. None is none.',
    each(ORIGIN, 'an origin (https://host:port, https://*.domain or *)'),
  ),
  'access.control.allow.methods': list(
    '',
    'Methods that they may use; GET, POST and HEAD when nothing is said.',
    each(TOKEN, 'a method'),
  ),
  'access.control.allow.headers': list(
    '',
    'Headers that they may send; Content-Type, Accept, Origin and X-Requested-With when nothing is said.',
    each(TOKEN, 'the name of a header'),
  ),
  'schema.compatibility.level': choiceIgnoringCase(
    LEVELS,
    'backward',
    'Compatibility of the schemas of a subject until /config says otherwise. The same on every broker.',
  ),
  'avro.compatibility.level': string(
    '',
    'The older name of schema.compatibility.level; goes before it when it is set.',
    levelOrNothing,
  ),
  'metrics.dialects': choices(
    ['jmx', 'confluent'],
    'jmx,confluent',
    'Whose names /metrics has where they differ: those of the JMX exporter (and Strimzi), those of Confluent.',
  ),
} satisfies ConfigTable;
