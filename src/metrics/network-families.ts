/** @pure Connections by listener and by the software of clients (Kafka's socket-server-metrics). */
import type { Dialects } from './dialect.ts';
import { labelled, labelsOf, gauge, type MetricFamily, type MetricType, type Sample } from './family.ts';
import type { IdleShare } from './idle-share.ts';
import type { ListenerNumbers, MetricSources } from './sources.ts';

/** Clients say of themselves what they like: with more names than this, the rest are one. */
const MAX_SOFTWARE = 50;
/** There is one event loop; Kafka has several threads and numbers them. */
const PROCESSOR = '0';

export function networkFamilies(sources: MetricSources, dialects: Dialects, idle: IdleShare): MetricFamily[] {
  const { sockets } = sources;
  const perListener = (
    type: MetricType,
    name: string,
    help: string,
    read: (listener: ListenerNumbers) => number,
  ): MetricFamily[] => {
    const samples = (processorLabel: string) => () =>
      [...sockets.counters.values()].map(
        (listener): Sample => [
          labelsOf({ listener: listener.listenerName, [processorLabel]: PROCESSOR }),
          read(listener),
        ],
      );
    return dialects.alias(
      labelled(type, `kafka_server_socket_server_metrics_${name}`, help, samples('networkProcessor')),
      labelled(type, `kafka_server_socketservermetrics_${name}`, help, samples('network_processor')),
    );
  };
  const software = (nameLabel: string, versionLabel: string) => (): Iterable<Sample> => {
    const counts = new Map<string, number>();
    for (const { clientSoftware, listenerName } of sockets.connections) {
      const { name, version } = clientSoftware ?? { name: 'unknown', version: 'unknown' };
      let labels = labelsOf({ [nameLabel]: name, [versionLabel]: version, listener: listenerName });
      if (!counts.has(labels) && counts.size >= MAX_SOFTWARE)
        labels = labelsOf({ [nameLabel]: 'other', [versionLabel]: 'other', listener: listenerName });
      counts.set(labels, (counts.get(labels) ?? 0) + 1);
    }
    return counts;
  };
  return [
    ...perListener('gauge', 'connection_count', 'Connections', ({ created, closed }) => created - closed),
    ...perListener('counter', 'connection_creation_total', 'Connections that were made', ({ created }) => created),
    ...perListener('counter', 'connection_close_total', 'Connections that ended', ({ closed }) => closed),
    ...perListener('counter', 'incoming_byte_total', 'Bytes received', ({ incomingBytes }) => incomingBytes),
    ...perListener('counter', 'outgoing_byte_total', 'Bytes sent', ({ outgoingBytes }) => outgoingBytes),
    ...perListener('counter', 'expired_connections_killed_count', 'Closed as idle', ({ expired }) => expired),
    ...perListener('counter', 'failed_authentication_total', 'Refused at authentication', () => 0),
    ...perListener('counter', 'successful_authentication_total', 'Authenticated', () => 0),
    ...dialects.alias(
      labelled(
        'gauge',
        'kafka_server_socket_server_metrics_connections_software',
        'Connections by what clients say they are',
        software('clientSoftwareName', 'clientSoftwareVersion'),
      ),
      labelled(
        'gauge',
        'kafka_server_socketservermetrics_connections',
        'Connections by what clients say they are',
        software('client_software_name', 'client_software_version'),
      ),
    ),
    ...acceptors(sources),
    ...idleShares(dialects, idle),
  ];
}

function acceptors({ sockets }: MetricSources): MetricFamily[] {
  return [
    gauge('kafka_network_socketserver_expiredconnectionskilledcount', 'Connections closed as idle', () =>
      [...sockets.counters.values()].reduce((sum, { expired }) => sum + expired, 0),
    ),
    labelled('gauge', 'kafka_network_acceptor_acceptorblockedpercent', 'Share of time that nobody is accepted', () =>
      [...sockets.counters.keys()].map((listener): Sample => [labelsOf({ listener }), 0]),
    ),
  ];
}

function idleShares(dialects: Dialects, idle: IdleShare): MetricFamily[] {
  return [
    ...dialects.percent('kafka_network_socketserver_networkprocessoravgidle', 'Idle share of the event loop', () =>
      idle.share(),
    ),
    labelled('gauge', 'kafka_network_processor_idle_percent', 'Idle share of the event loop', () => [
      [labelsOf({ networkProcessor: PROCESSOR }), idle.share()],
    ]),
    ...dialects.percent(
      'kafka_server_kafkarequesthandlerpool_requesthandleravgidle',
      'Idle share of the event loop',
      () => idle.share(),
    ),
    gauge(
      'kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent_oneminuterate',
      'Idle share of the event loop',
      () => idle.share(),
    ),
  ];
}
