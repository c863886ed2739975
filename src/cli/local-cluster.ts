/**
 * @pure The cluster of `npm start` on paper: ports, directories and the settings that differ from
 * config/server.properties. docker-compose.yml describes the same cluster; a test compares them.
 */
export interface LocalClusterPlan {
  readonly dataDirectory: string;
  readonly brokerCount: number;
  /** Of the first broker; the others count on from it. */
  readonly firstPort: number;
  readonly zookeeperPort: number;
  /** HTTP of the first broker; the others count on from it. */
  readonly firstHttpPort: number;
}

export const DEFAULT_PLAN: LocalClusterPlan = {
  dataDirectory: 'data',
  brokerCount: 3,
  firstPort: 9092,
  zookeeperPort: 2181,
  firstHttpPort: 8081,
};

export interface PlannedBroker {
  readonly id: number;
  readonly port: number;
  readonly address: string;
  readonly httpPort: number;
  readonly logDirectory: string;
  /** property=value texts over config/server.properties. */
  readonly overrides: readonly string[];
}

export function plannedBrokers(plan: LocalClusterPlan): PlannedBroker[] {
  return Array.from({ length: plan.brokerCount }, (_, index) => {
    const id = index + 1;
    const port = plan.firstPort + index;
    const httpPort = plan.firstHttpPort + index;
    const logDirectory = `${plan.dataDirectory}/kafka${id}`;
    const properties = {
      'broker.id': id,
      listeners: `PLAINTEXT://localhost:${port}`,
      'http.listeners': `http://localhost:${httpPort}`,
      'log.dirs': logDirectory,
      'zookeeper.connect': `127.0.0.1:${plan.zookeeperPort}`,
      // A broker that was killed is missed after six seconds rather than eighteen.
      'zookeeper.session.timeout.ms': 6000,
      // The broker that stops last has nobody to hand its leaderships to, and need not wait for that.
      'controlled.shutdown.retry.backoff.ms': 200,
      ...replicationDefaults(plan.brokerCount),
    };
    const overrides = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
    return { id, port, address: `localhost:${port}`, httpPort, logDirectory, overrides };
  });
}

/** The command that starts this broker alone with the same settings, one option a line, to paste into a shell. */
export function serverStartCommand({ overrides }: PlannedBroker): string {
  const options = overrides.map((override) => `--override ${quoted(override)}`);
  return ['bin/kafka-server-start.sh config/server.properties', ...options].join(' \\\n  ');
}

/** The command that starts a cluster like this one at other ports, and if need be with data of its own. */
export function otherStartCommand(plan: LocalClusterPlan, needsOtherData: boolean): string {
  const other = (port: number): number => (port + 100 > 65_000 ? port - 100 : port + 100);
  const data = needsOtherData ? `${plan.dataDirectory}2` : plan.dataDirectory;
  const options = [
    ...(data === DEFAULT_PLAN.dataDirectory ? [] : [`--data ${quoted(data)}`]),
    ...(plan.brokerCount === DEFAULT_PLAN.brokerCount ? [] : [`--brokers ${plan.brokerCount}`]),
    `--port ${other(plan.firstPort)}`,
    `--zookeeper-port ${other(plan.zookeeperPort)}`,
    `--http-port ${other(plan.firstHttpPort)}`,
  ];
  return `npm start -- ${options.join(' ')}`;
}

/** As one word of a shell. */
function quoted(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Topics outlive one broker: three replicas, of which two must have a write with acks=all. */
export function replicationDefaults(brokerCount: number): Record<string, number> {
  const replicas = Math.min(brokerCount, 3);
  const inSync = Math.max(replicas - 1, 1);
  return {
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
  };
}
