/** @pure The rest of what Kafka tells of a broker: its state, the controller, the disks, the groups, ZooKeeper. */
import type { Dialects } from './dialect.ts';
import { counter, gauge, labelled, labelsOf, type MetricFamily, type Sample } from './family.ts';
import { recent } from './recent.ts';
import { BROKER_STATES, type ControllerNumbers, type MetricSources } from './sources.ts';

export function serverFamilies(sources: MetricSources, dialects: Dialects): MetricFamily[] {
  return [
    ...identity(sources),
    ...controller(sources, dialects),
    ...disks(sources, dialects),
    ...fetching(sources, dialects),
    ...groups(sources),
    ...zooKeeper(sources, dialects),
  ];
}

function identity(sources: MetricSources): MetricFamily[] {
  const { brokerId, clusterId, version } = sources;
  const one = (labels: Record<string, string | number>) => (): Sample[] => [[labelsOf(labels), 1]];
  return [
    gauge('kafka_server_kafkaserver_brokerstate', '1 starting, 3 running, 6 leaving', () =>
      Number(BROKER_STATES[sources.brokerState()]),
    ),
    labelled(
      'gauge',
      'kafka_server_kafkaserver_clusterid',
      'The cluster of this broker',
      one({ clusterid: clusterId }),
    ),
    labelled('gauge', 'kafka_server_app_info', 'The broker', one({ id: brokerId, version })),
    labelled('gauge', 'kafka_broker_build_info', 'The program', one({ version, node: process.version })),
    ...diskBytes(sources),
  ];
}

/** What Linux says of the process: bytes that really went to or came from a disk. */
function diskBytes({ procFile }: MetricSources): MetricFamily[] {
  const read = (field: string) => (): number =>
    Number(new RegExp(`^${field}: (\\d+)$`, 'm').exec(procFile('/proc/self/io') ?? '')?.[1] ?? 0);
  return [
    counter('kafka_server_kafkaserver_linux_disk_read_bytes', 'Bytes read from disks', read('read_bytes')),
    counter('kafka_server_kafkaserver_linux_disk_write_bytes', 'Bytes written to disks', read('write_bytes')),
  ];
}

const CONTROLLER_GAUGES: readonly (readonly [name: string, field: keyof ControllerNumbers, help: string])[] = [
  ['activecontrollercount', 'activeControllerCount', '1 on the controller, else 0'],
  ['offlinepartitionscount', 'offlinePartitionsCount', 'Partitions without a leader; 0 but on the controller'],
  ['preferredreplicaimbalancecount', 'preferredReplicaImbalanceCount', 'Partitions not led by their first replica'],
  ['globaltopiccount', 'globalTopicCount', 'Topics of the cluster; 0 but on the controller'],
  ['globalpartitioncount', 'globalPartitionCount', 'Partitions of the cluster; 0 but on the controller'],
  ['topicstodeletecount', 'topicsToDeleteCount', 'Topics that are being deleted'],
  ['replicastodeletecount', 'replicasToDeleteCount', 'Replicas of topics that are being deleted'],
  ['topicsineligibletodeletecount', 'topicsIneligibleToDeleteCount', 'Topics whose deletion waits for a broker'],
  ['activebrokercount', 'activeBrokerCount', 'Brokers that live; 0 but on the controller'],
];

function controller({ controller: office, nowMs }: MetricSources, dialects: Dialects): MetricFamily[] {
  const { counters } = office;
  // It looks at every partition of the cluster.
  const metrics = recent(nowMs, () => office.metrics());
  const prefix = 'kafka_controller_kafkacontroller_';
  return [
    ...CONTROLLER_GAUGES.map(([name, field, help]) => gauge(prefix + name, help, () => metrics()[field])),
    gauge(`${prefix}fencedbrokercount`, 'Brokers that live and may not lead; none with ZooKeeper', () => 0),
    gauge(`${prefix}controllerstate`, '0 idle, 1 at work', () => Math.min(1, metrics().eventQueueSize)),
    ...dialects.meter(
      'kafka_controller_controllerstats_uncleanleaderelections',
      'Leaders elected from outside the ISR: records may be lost',
      () => [['', counters.uncleanLeaderElections]],
    ),
    ...dialects.histogram(
      'kafka_controller_controllerstats_leaderelectionrateandtimems',
      'Writes of states with new leaders, milliseconds',
      () => [[{}, counters.electionMs]],
    ),
    gauge(
      'kafka_controller_controllereventmanager_eventqueuesize',
      'Events that wait or run',
      () => metrics().eventQueueSize,
    ),
    ...dialects.histogram(
      'kafka_controller_controllereventmanager_eventqueuetimems',
      'Waiting of events for their turn, milliseconds',
      () => [[{}, counters.eventQueueMs]],
    ),
  ];
}

function disks({ logs, nowMs }: MetricSources, dialects: Dialects): MetricFamily[] {
  const { cleanerCounters: cleaner } = logs;
  const sinceCleanedSeconds = (): number => (cleaner.lastCleanMs < 0 ? 0 : (nowMs() - cleaner.lastCleanMs) / 1000);
  return [
    gauge(
      'kafka_log_logmanager_offlinelogdirectorycount',
      'Directories out of service',
      () => logs.directories.filter(({ isOffline }) => isOffline).length,
    ),
    labelled('gauge', 'kafka_log_logmanager_logdirectoryoffline', '1 when out of service', () =>
      logs.directories.map((directory) => [labelsOf({ logDirectory: directory.path }), +directory.isOffline] as const),
    ),
    ...dialects.histogram('kafka_log_logflushstats_logflushrateandtimems', 'Syncs of a log, milliseconds', () => [
      [{}, logs.counters.flushMs],
    ]),
    gauge(
      'kafka_log_logcleanermanager_max_dirty_percent',
      'Dirty share of the dirtiest log',
      () => cleaner.maxDirtyPercent,
    ),
    gauge(
      'kafka_log_logcleanermanager_time_since_last_run_ms',
      'Since a log was compacted, milliseconds',
      () => sinceCleanedSeconds() * 1000,
    ),
    gauge(
      'kafka_log_logcleanermanager_uncleanable_partitions_count',
      'Logs whose compaction failed',
      () => cleaner.uncleanablePartitions,
    ),
    gauge(
      'kafka_log_logcleaner_cleaner_recopy_percent',
      'What stayed of the log compacted last',
      () => cleaner.recopyPercent,
    ),
    gauge(
      'kafka_log_logcleaner_max_clean_time_secs',
      'Time that the latest compaction took',
      () => cleaner.lastCleanSeconds,
    ),
    gauge(
      'kafka_log_logcleaner_max_buffer_utilization_percent',
      'How full the map of keys was',
      () => cleaner.maxBufferUtilizationPercent,
    ),
    gauge('kafka_log_logcleaner_deadthreadcount', 'Cleaners that ended by themselves', () => 0),
  ];
}

function fetching({ replicas, fetchSessions, nowMs }: MetricSources, dialects: Dialects): MetricFamily[] {
  const prefix = 'kafka_server_replicafetchermanager_';
  const rate = new SlowestRate(nowMs);
  const both = (name: string, help: string, read: () => number): MetricFamily =>
    // The dialects write the label differently; with both in one series nothing is counted twice.
    labelled('gauge', prefix + name, help, () => [[labelsOf({ clientId: 'Replica', clientid: 'Replica' }), read()]]);
  return [
    both('maxlag', 'The most committed records that a follower here has not', () => {
      let lag = 0;
      for (const { followerLag } of replicas.online()) lag = Math.max(lag, followerLag);
      return lag;
    }),
    both('minfetchrate', 'Fetches a second of the slowest loop', () => rate.of(replicas.fetchers.fetchCounts)),
    both('failedpartitionscount', 'Replicas that are not fetched for any more', () => replicas.fetchers.failedCount),
    both('deadthreadcount', 'Fetchers that ended by themselves', () => 0),
    gauge('kafka_server_fetchsessioncache_numincrementalfetchsessions', 'Fetch sessions', () => fetchSessions.size),
    gauge(
      'kafka_server_fetchsessioncache_numincrementalfetchpartitionscached',
      'Partitions of fetch sessions',
      () => fetchSessions.partitionCount,
    ),
    ...dialects.meter(
      'kafka_server_fetchsessioncache_incrementalfetchsessionevictions',
      'Fetch sessions that made room for others',
      () => [['', fetchSessions.evictionCount]],
    ),
  ];
}

/** Kafka's names for the states of groups, and those that the metrics have for them. */
const GROUP_STATES: readonly (readonly [name: string, state: string])[] = [
  ['numgroupsstable', 'Stable'],
  ['numgroupsempty', 'Empty'],
  ['numgroupsdead', 'Dead'],
  ['numgroupspreparingrebalance', 'PreparingRebalance'],
  ['numgroupscompletingrebalance', 'CompletingRebalance'],
];

function groups({ groups: coordinated }: MetricSources): MetricFamily[] {
  const prefix = 'kafka_coordinator_group_groupmetadatamanager_';
  const count = (isCounted: (state: string) => boolean): number => {
    let counted = 0;
    for (const [typeAndState, groupsInIt] of coordinated.groupCounts())
      if (isCounted(typeAndState.slice(typeAndState.indexOf(' ') + 1))) counted += groupsInIt;
    return counted;
  };
  return [
    gauge(`${prefix}numgroups`, 'Groups that live here', () => count(() => true)),
    ...GROUP_STATES.map(([name, wanted]) =>
      gauge(prefix + name, `Groups that live here and are ${wanted}`, () => count((state) => state === wanted)),
    ),
    gauge(`${prefix}numoffsets`, 'Offsets that groups here have committed', () => {
      let offsets = 0;
      for (const _offset of coordinated.committedOffsets()) offsets++;
      return offsets;
    }),
  ];
}

const SESSION_STATES: ReadonlyMap<string, number> = new Map([
  ['CONNECTED', 1],
  ['CONNECTING', 0],
  ['DISCONNECTED', 2],
  ['LOST', 3],
  ['CLOSED', 4],
]);

function zooKeeper({ zookeeper }: MetricSources, dialects: Dialects): MetricFamily[] {
  const { counters } = zookeeper;
  const prefix = 'kafka_server_sessionexpirelistener_';
  const meter = (name: string, help: string, read: () => number): MetricFamily[] =>
    dialects.meter(prefix + name, help, () => [['', read()]]);
  return [
    ...dialects.histogram(
      'kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms',
      'Answers of ZooKeeper, milliseconds',
      () => [[{}, counters.requestMs]],
    ),
    ...meter('zookeepersyncconnects', 'Connections to ZooKeeper', () => counters.connects),
    ...meter('zookeeperdisconnects', 'Connections to ZooKeeper that were lost', () => counters.disconnects),
    ...meter('zookeeperexpires', 'Sessions that were lost', () => counters.expires),
    ...meter('zookeeperauthfailures', 'Refusals of ZooKeeper to authenticate', () => 0),
    gauge(
      'kafka_server_sessionexpirelistener_sessionstate',
      '0 connecting, 1 connected, 2 away, 3 lost, 4 closed',
      () => Number(SESSION_STATES.get(zookeeper.state) ?? -1),
    ),
  ];
}

const RATE_WINDOW_MS = 5000;

/** The slowest of several counters, per second, over the time between two looks. */
class SlowestRate {
  readonly #nowMs: () => number;
  #counts: readonly number[] = [];
  #lastMs: number;
  #rate = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#lastMs = nowMs();
  }

  of(counts: readonly number[]): number {
    const elapsedMs = this.#nowMs() - this.#lastMs;
    if (elapsedMs < RATE_WINDOW_MS) return this.#rate;
    const grown = counts.map((count, index) => Math.max(0, count - (this.#counts[index] ?? 0)));
    this.#rate = grown.length === 0 ? 0 : (Math.min(...grown) * 1000) / elapsedMs;
    this.#counts = [...counts];
    this.#lastMs += elapsedMs;
    return this.#rate;
  }
}
