/**
 * @pure The broker's keys about itself: identity, ZooKeeper, sockets, threads, requests. Names and defaults are Kafka
 * 3.9's.
 */
import {
  atLeast,
  between,
  bool,
  className,
  INT_MAX,
  int,
  list,
  long,
  password,
  string,
  type ConfigTable,
} from '../definition.ts';
import { DEFAULT_PROTOCOL_MAP } from '../listeners.ts';

/** Kafka's deflater level check: 1 to 9, or -1 for zlib's own choice. */
const gzipLevel = (level: number): string | null =>
  level === -1 || (level >= 1 && level <= 9) ? null : 'Value must be between 1 and 9 or equal to -1';

export const COMPRESSION_LEVEL_KEYS = {
  'compression.gzip.level': int(-1, 'Accepted for compatibility: gzip is used at its usual level.', gzipLevel),
  'compression.lz4.level': int(9, 'Accepted for compatibility: lz4 is used at its usual level.', between(1, 17)),
  'compression.zstd.level': int(
    3,
    'Accepted for compatibility: zstd is used at its usual level.',
    between(-131072, 22),
  ),
} satisfies ConfigTable;

export const IDENTITY_KEYS = {
  'broker.id': int(-1, 'Number of this broker, unique in the cluster; -1 takes one that ZooKeeper hands out.'),
  'node.id': int(-1, 'Newer name of broker.id; when both are set they must agree.'),
  'broker.id.generation.enable': bool(true, 'Whether a broker without a number gets one above reserved.broker.max.id.'),
  'reserved.broker.max.id': int(1000, 'Highest number that a broker.id set by hand may have.', atLeast(0)),
  'broker.rack': string(null, 'Rack of this broker; replicas of a partition are spread over racks.'),
} satisfies ConfigTable;

export const ZOOKEEPER_KEYS = {
  'zookeeper.connect': string(null, 'The ensemble as host:port,host:port with an optional /chroot at the end.'),
  'zookeeper.session.timeout.ms': int(18000, 'How long ZooKeeper keeps the session of a broker it does not hear from.'),
  'zookeeper.connection.timeout.ms': int(null, 'How long to wait for the first connection; else the session timeout.'),
  'zookeeper.max.in.flight.requests': int(
    10,
    'Accepted for compatibility: up to 200 requests are under way.',
    atLeast(1),
  ),
  'zookeeper.set.acl': bool(false, 'Whether znodes are created with access control lists.'),
  'zookeeper.metadata.migration.enable': bool(false, 'Whether this broker takes part in a move to KRaft.'),
  'zookeeper.ssl.client.enable': bool(false, 'Whether the connection to ZooKeeper is encrypted.'),
  'zookeeper.clientCnxnSocket': string(null, 'Java class of the ZooKeeper connection, needed there for TLS.'),
  'zookeeper.ssl.keystore.location': string(null, 'Key store for TLS to ZooKeeper.'),
  'zookeeper.ssl.keystore.password': password('Password of the key store for TLS to ZooKeeper.'),
  'zookeeper.ssl.truststore.location': string(null, 'Trust store for TLS to ZooKeeper.'),
  'zookeeper.ssl.truststore.password': password('Password of the trust store for TLS to ZooKeeper.'),
} satisfies ConfigTable;

export const SOCKET_KEYS = {
  listeners: string('PLAINTEXT://:9092', 'Addresses to listen on, NAME://host:port; no host means all interfaces.'),
  'advertised.listeners': string(null, 'Addresses that clients and other brokers are told; else those of listeners.'),
  'listener.security.protocol.map': string(DEFAULT_PROTOCOL_MAP, 'Security protocol of each listener name.'),
  'inter.broker.listener.name': string(null, 'Listener that brokers use among themselves.'),
  'security.inter.broker.protocol': string('PLAINTEXT', 'Older way to name the listener between brokers.'),
  'control.plane.listener.name': string(null, 'Listener kept for requests of the controller.'),
  'early.start.listeners': string(null, 'Listeners opened before authorisation is ready.'),
  'socket.send.buffer.bytes': int(102400, 'Accepted for compatibility: left to the system.'),
  'socket.receive.buffer.bytes': int(102400, 'Accepted for compatibility: left to the system.'),
  'socket.request.max.bytes': int(
    104857600,
    'Largest request in bytes; a larger one closes its connection.',
    atLeast(1),
  ),
  'socket.listen.backlog.size': int(50, 'Connections the system may hold before they are accepted.', atLeast(1)),
  'socket.connection.setup.timeout.ms': long(
    10000,
    'Accepted for compatibility: a connection to a broker is given 10 s.',
  ),
  'socket.connection.setup.timeout.max.ms': long(30000, 'Accepted for compatibility.'),
  'max.connections': int(INT_MAX, 'Connections this broker holds at the same time.', atLeast(0)),
  'max.connections.per.ip': int(INT_MAX, 'Connections from one address at the same time.', atLeast(0)),
  'max.connections.per.ip.overrides': string('', 'Exceptions from max.connections.per.ip, host:count,host:count.'),
  'max.connection.creation.rate': int(INT_MAX, 'New connections per second.', atLeast(0)),
  'connections.max.idle.ms': long(600000, 'Connections silent for longer are closed; negative keeps them.'),
  'connections.max.reauth.ms': long(0, 'After this time a SASL connection must authenticate again; 0 never.'),
  'connection.failed.authentication.delay.ms': int(
    100,
    'Pause before a failed authentication is answered.',
    atLeast(0),
  ),
  'queued.max.requests': int(500, 'Accepted for compatibility: each connection waits for itself.', atLeast(1)),
  'queued.max.request.bytes': long(-1, 'Accepted for compatibility: each connection waits for itself.'),
  'request.timeout.ms': int(30000, 'How long this broker waits for answers of other brokers.'),
} satisfies ConfigTable;

export const REQUEST_KEYS = {
  'num.network.threads': int(3, 'Accepted for compatibility: one event loop serves the network.', atLeast(1)),
  'num.io.threads': int(8, 'Accepted for compatibility: one event loop handles requests.', atLeast(1)),
  'background.threads': int(10, 'Accepted for compatibility: background work shares the event loop.', atLeast(1)),
  'num.replica.alter.log.dirs.threads': int(null, 'Threads that move replicas between log directories.'),
  'fetch.max.bytes': int(57671680, 'Largest answer to a fetch request in bytes.', atLeast(1024)),
  'max.incremental.fetch.session.cache.slots': int(1000, 'Incremental fetch sessions kept.', atLeast(0)),
  'max.request.partition.size.limit': int(2000, 'Most partitions one DescribeTopicPartitions answers.', atLeast(1)),
  'message.max.bytes': int(1048588, 'Largest record batch in bytes; topics may set max.message.bytes.', atLeast(0)),
  'controlled.shutdown.enable': bool(true, 'Whether leaders are moved away before this broker stops.'),
  'controlled.shutdown.max.retries': int(3, 'How often moving leaders away is tried again.'),
  'controlled.shutdown.retry.backoff.ms': long(5000, 'Pause between those tries.'),
  'authorizer.class.name': string('', 'Java class that decides who may do what.'),
  'principal.builder.class': className('Java class that turns a connection into a principal.'),
  'sasl.enabled.mechanisms': list('GSSAPI', 'SASL mechanisms that clients may use.'),
  'sasl.mechanism.inter.broker.protocol': string('GSSAPI', 'SASL mechanism between brokers.'),
  'process.roles': list('', 'Roles in KRaft mode; empty with ZooKeeper.'),
} satisfies ConfigTable;

export const METRIC_KEYS = {
  'metric.reporters': list('', 'Java classes that report metrics.'),
  'metrics.num.samples': int(2, 'Samples kept for a metric.', atLeast(1)),
  'metrics.sample.window.ms': long(30000, 'Time that one sample of a metric covers.', atLeast(1)),
  'metrics.recording.level': string('INFO', 'Highest level of metrics that are recorded.'),
  'auto.include.jmx.reporter': bool(true, 'Whether metrics go to JMX, which exists in Java only.'),
  'kafka.metrics.reporters': list('', 'Java classes that report the older metrics.'),
  'kafka.metrics.polling.interval.secs': int(10, 'Pause between two reports of the older metrics.', atLeast(1)),
  'telemetry.max.bytes': int(1048576, 'Largest push of client metrics in bytes.', atLeast(1)),
  'client.quota.callback.class': className('Java class that decides the quotas of clients.'),
  'quota.window.num': int(11, 'Samples kept for the quotas of clients.', atLeast(1)),
  'quota.window.size.seconds': int(1, 'Time that one sample of a client quota covers.', atLeast(1)),
  'replication.quota.window.num': int(11, 'Samples kept for the quotas of replication.', atLeast(1)),
  'replication.quota.window.size.seconds': int(1, 'Time that one sample of a replication quota covers.', atLeast(1)),
  'controller.quota.window.num': int(11, 'Samples kept for the quotas of topic changes.', atLeast(1)),
  'controller.quota.window.size.seconds': int(1, 'Time that one sample of such a quota covers.', atLeast(1)),
  'alter.log.dirs.replication.quota.window.num': int(11, 'Samples kept for moves between directories.', atLeast(1)),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, 'Time that one such sample covers.', atLeast(1)),
} satisfies ConfigTable;

/** Set, they would be passed over to somebody's harm; broker-config.ts refuses them. */
export const REFUSED_KEYS = {
  'remote.log.storage.system.enable': bool(false, 'Whether old segments may go to remote storage.'),
  'create.topic.policy.class.name': className('Java class that may refuse new topics.'),
  'alter.config.policy.class.name': className('Java class that may refuse changed configurations.'),
  'config.providers': list('', 'Names of Java classes that fill in variables in values.'),
} satisfies ConfigTable;
