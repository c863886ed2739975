/**
 * The metrics that dashboards and alerts for Kafka ask for, as far as they apply to a broker with ZooKeeper: those of
 * the JMX exporter's example (Strimzi, Grafana 721), of Confluent's stack, and of kafka_exporter (Grafana 7589).
 */
const BROKER_TOPIC = [
  'messagesin',
  'bytesin',
  'bytesout',
  'totalproducerequests',
  'totalfetchrequests',
  'failedproducerequests',
  'failedfetchrequests',
  'bytesrejected',
  'replicationbytesin',
  'replicationbytesout',
  'reassignmentbytesin',
  'reassignmentbytesout',
  'producemessageconversions',
  'fetchmessageconversions',
  'invalidmagicnumberrecords',
  'invalidmessagecrcrecords',
  'invalidoffsetorsequencerecords',
  'nokeycompactedtopicrecords',
].map((name) => `kafka_server_brokertopicmetrics_${name}`);

const METERS = [
  ...BROKER_TOPIC,
  'kafka_server_replicamanager_isrshrinks',
  'kafka_server_replicamanager_isrexpands',
  'kafka_server_replicamanager_failedisrupdates',
  'kafka_controller_controllerstats_uncleanleaderelections',
  'kafka_network_requestmetrics_requests',
  'kafka_network_requestmetrics_errors',
  'kafka_server_sessionexpirelistener_zookeepersyncconnects',
  'kafka_server_sessionexpirelistener_zookeeperexpires',
  'kafka_server_sessionexpirelistener_zookeeperdisconnects',
  'kafka_server_sessionexpirelistener_zookeeperauthfailures',
];

const HISTOGRAMS = [
  ...[
    'totaltimems',
    'requestqueuetimems',
    'localtimems',
    'remotetimems',
    'responsequeuetimems',
    'responsesendtimems',
    'throttletimems',
    'requestbytes',
    'responsebytes',
    'temporarymemorybytes',
    'messageconversionstimems',
  ].map((name) => `kafka_network_requestmetrics_${name}`),
  'kafka_controller_controllerstats_leaderelectionrateandtimems',
  'kafka_controller_controllereventmanager_eventqueuetimems',
  'kafka_log_logflushstats_logflushrateandtimems',
  'kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms',
];

const PERCENTS = [
  'kafka_network_socketserver_networkprocessoravgidle',
  'kafka_server_kafkarequesthandlerpool_requesthandleravgidle',
];

const PER_LISTENER = [
  'connection_count',
  'connection_creation_total',
  'connection_close_total',
  'failed_authentication_total',
  'successful_authentication_total',
  'incoming_byte_total',
  'outgoing_byte_total',
];

const PLAIN = [
  ...[
    'leadercount',
    'partitioncount',
    'offlinereplicacount',
    'underreplicatedpartitions',
    'underminisrpartitioncount',
    'atminisrpartitioncount',
    'reassigningpartitions',
    'produceridcount',
  ].map((name) => `kafka_server_replicamanager_${name}`),
  ...['underminisr', 'atminisr', 'underreplicated', 'insyncreplicascount', 'replicascount', 'laststableoffsetlag'].map(
    (name) => `kafka_cluster_partition_${name}`,
  ),
  ...[
    'activecontrollercount',
    'offlinepartitionscount',
    'preferredreplicaimbalancecount',
    'controllerstate',
    'globaltopiccount',
    'globalpartitioncount',
    'topicstodeletecount',
    'replicastodeletecount',
    'topicsineligibletodeletecount',
    'activebrokercount',
    'fencedbrokercount',
  ].map((name) => `kafka_controller_kafkacontroller_${name}`),
  'kafka_controller_controllereventmanager_eventqueuesize',
  'kafka_network_requestchannel_requestqueuesize',
  'kafka_network_requestchannel_responsequeuesize',
  'kafka_network_processor_idle_percent',
  'kafka_network_acceptor_acceptorblockedpercent',
  'kafka_network_socketserver_expiredconnectionskilledcount',
  'kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent_oneminuterate',
  'kafka_server_socket_server_metrics_connections_software',
  'kafka_server_socketservermetrics_connections',
  'kafka_server_delayedoperationpurgatory_purgatorysize',
  'kafka_server_delayedoperationpurgatory_numdelayedoperations',
  ...['maxlag', 'minfetchrate', 'failedpartitionscount', 'deadthreadcount'].map(
    (name) => `kafka_server_replicafetchermanager_${name}`,
  ),
  'kafka_server_fetcherlagmetrics_consumerlag',
  'kafka_server_fetchsessioncache_numincrementalfetchsessions',
  'kafka_server_fetchsessioncache_numincrementalfetchpartitionscached',
  'kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total',
  ...['size', 'numlogsegments', 'logstartoffset', 'logendoffset'].map((name) => `kafka_log_log_${name}`),
  'kafka_log_logmanager_offlinelogdirectorycount',
  'kafka_log_logmanager_logdirectoryoffline',
  'kafka_log_logcleanermanager_max_dirty_percent',
  'kafka_log_logcleaner_cleaner_recopy_percent',
  'kafka_log_logcleaner_max_clean_time_secs',
  'kafka_log_logcleaner_deadthreadcount',
  ...[
    'numgroups',
    'numgroupsstable',
    'numgroupsempty',
    'numgroupsdead',
    'numgroupspreparingrebalance',
    'numgroupscompletingrebalance',
    'numoffsets',
  ].map((name) => `kafka_coordinator_group_groupmetadatamanager_${name}`),
  'kafka_server_kafkaserver_brokerstate',
  'kafka_server_kafkaserver_clusterid',
  'kafka_server_app_info',
  'kafka_broker_build_info',
  'kafka_server_kafkaserver_linux_disk_read_bytes',
  'kafka_server_kafkaserver_linux_disk_write_bytes',
  'kafka_server_sessionexpirelistener_sessionstate',
  'process_cpu_seconds_total',
  'process_open_fds',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
  'nodejs_eventloop_lag_seconds',
  'jvm_memory_used_bytes',
  'jvm_memory_bytes_used',
  'jvm_memory_bytes_max',
  'jvm_gc_collection_seconds_sum',
  'jvm_gc_collection_seconds_count',
  'jvm_threads_current',
];

export const JMX_NAMES: readonly string[] = [
  ...METERS.map((name) => `${name}_total`),
  ...PERCENTS.map((name) => `${name}_percent`),
  ...PER_LISTENER.map((name) => `kafka_server_socket_server_metrics_${name}`),
];

export const CONFLUENT_NAMES: readonly string[] = [
  ...METERS.map((name) => `${name}persec`),
  ...PERCENTS.map((name) => `${name}percent`),
  ...PER_LISTENER.map((name) => `kafka_server_socketservermetrics_${name}`),
];

/** The same in both dialects. */
export const COMMON_NAMES: readonly string[] = [...PLAIN, ...HISTOGRAMS, ...HISTOGRAMS.map((name) => `${name}_count`)];

export const EXPORTER_NAMES: readonly string[] = [
  'kafka_brokers',
  'kafka_broker_info',
  'kafka_topic_partitions',
  'kafka_topic_partition_current_offset',
  'kafka_topic_partition_oldest_offset',
  'kafka_topic_partition_leader',
  'kafka_topic_partition_leader_is_preferred',
  'kafka_topic_partition_replicas',
  'kafka_topic_partition_in_sync_replica',
  'kafka_topic_partition_under_replicated_partition',
  'kafka_consumergroup_current_offset',
  'kafka_consumergroup_current_offset_sum',
  'kafka_consumergroup_lag',
  'kafka_consumergroup_lag_sum',
  'kafka_consumergroup_members',
];
