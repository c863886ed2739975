/** @pure The broker's keys about replicas and leaders, and those of transactions. */
import { atLeast, bool, type ConfigTable, choice, int, long, short, string } from '../definition.ts';
import { versionText } from './log-keys.ts';

export const REPLICATION_KEYS = {
  'default.replication.factor': int(1, 'Replicas of a new topic when nobody says how many.'),
  'min.insync.replicas': int(1, 'In-sync replicas that a write with acks=all needs.', atLeast(1)),
  'unclean.leader.election.enable': bool(false, 'Whether a replica that lags may lead when no other is left.'),
  'unclean.leader.election.interval.ms': long(
    300000,
    'Accepted for compatibility: they are held as soon as they are allowed.',
    atLeast(1),
  ),
  'auto.leader.rebalance.enable': bool(true, 'Whether leadership goes back to preferred replicas by itself.'),
  'leader.imbalance.check.interval.seconds': long(300, 'Pause between looks for such leaders.', atLeast(1)),
  'leader.imbalance.per.broker.percentage': int(10, 'Share of foreign leaders that a broker tolerates.'),
  'replica.lag.time.max.ms': long(30000, 'Time after which a follower that has not caught up leaves the ISR.'),
  'replica.fetch.min.bytes': int(1, 'Bytes a follower waits for.'),
  'replica.fetch.wait.max.ms': int(500, 'How long a follower waits for them.'),
  'replica.fetch.max.bytes': int(1048576, 'Bytes a follower asks of one partition.', atLeast(0)),
  'replica.fetch.response.max.bytes': int(10485760, 'Bytes a follower asks in one fetch.', atLeast(0)),
  'replica.fetch.backoff.ms': int(1000, 'Pause of a follower after an error.', atLeast(0)),
  'replica.socket.timeout.ms': int(30000, 'How long a follower waits for an answer.'),
  'replica.socket.receive.buffer.bytes': int(65536, 'Accepted for compatibility: left to the system.'),
  'replica.high.watermark.checkpoint.interval.ms': long(5000, 'Pause between two high watermark checkpoints.'),
  'replica.selector.class': string(null, 'Java class that picks the replica a consumer reads from.'),
  'num.replica.fetchers': int(1, 'Connections to each leader that followers fetch over.'),
  'controller.socket.timeout.ms': int(30000, 'How long the controller waits for the answer of a broker.'),
  'fetch.purgatory.purge.interval.requests': int(1000, 'Accepted for compatibility.'),
  'producer.purgatory.purge.interval.requests': int(1000, 'Accepted for compatibility.'),
  'delete.records.purgatory.purge.interval.requests': int(1, 'Accepted for compatibility.'),
  'inter.broker.protocol.version': string('3.9-IV0', 'Accepted for compatibility and ignored.', versionText),
} satisfies ConfigTable;

export const TRANSACTION_KEYS = {
  'transaction.state.log.num.partitions': int(50, 'Partitions of __transaction_state.', atLeast(1)),
  'transaction.state.log.replication.factor': short(3, 'Replicas of __transaction_state.', atLeast(1)),
  'transaction.state.log.min.isr': int(2, 'In-sync replicas a write to it needs.', atLeast(1)),
  'transaction.state.log.segment.bytes': int(104857600, 'Segment size of __transaction_state.', atLeast(1)),
  'transaction.state.log.load.buffer.size': int(5242880, 'Bytes read at once when it is loaded.', atLeast(1)),
  'transaction.max.timeout.ms': int(900000, 'Longest transaction timeout a producer may ask for.', atLeast(1)),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(10000, 'Pause between looks.', atLeast(1)),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(3600000, 'Pause between looks.', atLeast(1)),
  'transaction.partition.verification.enable': bool(true, 'Whether a write is checked against its transaction.'),
  'transactional.id.expiration.ms': int(604800000, 'How long a transactional id is kept without use.', atLeast(1)),
  'producer.id.expiration.ms': int(86400000, 'How long a partition remembers a silent producer.', atLeast(1)),
  'producer.id.expiration.check.interval.ms': int(600000, 'Pause between looks for them.', atLeast(1)),
  'ssl.client.auth': choice(['required', 'requested', 'none'], 'none', 'Whether TLS clients show a certificate.'),
} satisfies ConfigTable;
