/**
 * Runs the local cluster: finds or installs ZooKeeper, starts it and the brokers, shows how that goes, then where
 * they are and what to type next. Ctrl-C or SIGTERM stops the brokers first and ZooKeeper last; a later one kills
 * them. A server that a person brought back by hand is that person's; it is named at the end. Data and logs stay.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Deferred } from '../lib/deferred.ts';
import { isListening, isPortFree } from '../net/port-check.ts';
import { ChildServer } from './child-server.ts';
import { CommandError, defineCommand, type Terminal, UsageError } from './command.ts';
import { farewell, type FallenServer, FallenServers } from './fallen-servers.ts';
import { Interrupts } from './interrupts.ts';
import { lastWords } from './last-words.ts';
import {
  DEFAULT_PLAN,
  type LocalClusterPlan,
  otherStartCommand,
  type PlannedBroker,
  plannedBrokers,
  serverStartCommand,
} from './local-cluster.ts';
import { unreadable } from './named-file.ts';
import { lostToNpm } from './npm-arguments.ts';
import type { Options } from './options.ts';
import { runningProcesses } from './processes.ts';
import { Progress } from './progress.ts';
import { requireZooKeeper, thisMachine, type ZooKeeperInstallation } from './zookeeper-installation.ts';
import { zooKeeperCommand, zooKeeperProperties, zooKeeperWith } from './zookeeper-server.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const READY_LINE = /\[KafkaServer id=\d+\] started/;
const LOOPBACK = '127.0.0.1';
const POLL_MS = 50;
const ZOOKEEPER_START_MS = 60_000;
const BROKER_START_MS = 120_000;
const BROKER_STOP_MS = 30_000;
const ZOOKEEPER_STOP_MS = 10_000;

const OPTIONS = {
  data: { argument: 'directory', default: DEFAULT_PLAN.dataDirectory, description: 'Where all data and logs lie.' },
  brokers: { argument: 'number', default: String(DEFAULT_PLAN.brokerCount), description: 'How many brokers.' },
  port: {
    argument: 'port',
    default: String(DEFAULT_PLAN.firstPort),
    description: 'Of the first broker; others follow.',
  },
  'zookeeper-port': { argument: 'port', default: String(DEFAULT_PLAN.zookeeperPort), description: 'Of ZooKeeper.' },
  'http-port': {
    argument: 'port',
    default: String(DEFAULT_PLAN.firstHttpPort),
    description: 'Of the first broker over HTTP; others follow.',
  },
};

export const main = defineCommand({
  script: 'npm start --',
  summary: 'Runs one ZooKeeper and three brokers in the foreground until Ctrl-C. Data is kept between runs.',
  runsBare: true,
  options: OPTIONS,
  examples: [
    [
      'Another cluster beside the first',
      'npm start -- --data data2 --port 9192 --zookeeper-port 2281 --http-port 8181',
    ],
  ],
  run: async (options, terminal) => {
    const lost = lostToNpm(Object.keys(OPTIONS), options.rest, process.env);
    if (lost !== null) throw new UsageError(lost);
    return new LocalCluster(planOf(options), terminal).run();
  },
});

function planOf(options: Options<keyof typeof OPTIONS | 'help' | 'version'>): LocalClusterPlan {
  const inRange = (name: 'brokers' | 'port' | 'zookeeper-port' | 'http-port', max: number): number => {
    const value = options.int(name) ?? 0;
    if (value < 1 || value > max) throw new CommandError(`--${name} must be between 1 and ${max}`);
    return value;
  };
  return {
    dataDirectory: path.resolve(ROOT, options.required('data')),
    brokerCount: inRange('brokers', 9),
    firstPort: inRange('port', 65_000),
    zookeeperPort: inRange('zookeeper-port', 65_535),
    firstHttpPort: inRange('http-port', 65_000),
  };
}

interface Launch extends FallenServer {
  readonly logName: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What to type to start it alone. */
  readonly startCommand: string;
  readonly onLine?: (line: string) => void;
}

/** A path as a person in this directory would type it. */
function fromHere(file: string, here = process.cwd()): string {
  const relative = path.relative(here, file);
  return relative.startsWith('..') ? file : relative || '.';
}

class LocalCluster {
  readonly #plan: LocalClusterPlan;
  readonly #brokers: readonly PlannedBroker[];
  readonly #terminal: Terminal;
  readonly #progress: Progress;
  readonly #stopAsked = new Deferred();
  readonly #servers: ChildServer[] = [];
  readonly #launches = new Map<ChildServer, Launch>();
  readonly #fallen: FallenServers;
  readonly #interrupts = new Interrupts();
  #isStopping = false;
  #exitCode = 0;

  constructor(plan: LocalClusterPlan, terminal: Terminal) {
    this.#plan = plan;
    this.#brokers = plannedBrokers(plan);
    this.#terminal = terminal;
    this.#progress = new Progress(terminal);
    this.#fallen = new FallenServers({
      clock: terminal.clock,
      isListening: (port) => isListening(LOOPBACK, port),
      onReturn: ({ name }) => this.#progress.say(`✓ ${name} is back, started by hand`),
      onFall: ({ name }) => terminal.error(`${name}, started by hand, has ended. It can be brought back as before.\n`),
      onFailure: (error) => terminal.error(`Servers that come back are not noticed any more: ${error}\n`),
    });
  }

  async run(): Promise<number> {
    this.#terminal.onInterrupt(() => this.#onInterrupt());
    try {
      await this.#start();
    } catch (error) {
      const failure = error instanceof CommandError ? error : this.#unusableData(error);
      if (failure === null) throw error;
      this.#progress.stop();
      if (!this.#isStopping) {
        this.#terminal.error(`${failure.message}\n`);
        this.#exitCode = 1;
      }
      this.#stopAsked.resolve();
    }
    await this.#stopAsked.promise;
    await this.#stop();
    return this.#exitCode;
  }

  #onInterrupt(): void {
    const wish = this.#interrupts.judge(this.#terminal.clock.monotonicMs());
    if (wish === 'kill') for (const server of this.#servers) server.kill();
    this.#isStopping = true;
    this.#stopAsked.resolve();
  }

  async #start(): Promise<void> {
    this.#progress.working('Looking for free ports');
    const holder = zooKeeperWith(this.#zooKeeperConfig, runningProcesses());
    const otherStart = otherStartCommand(
      { ...this.#plan, dataDirectory: fromHere(this.#plan.dataDirectory, ROOT) },
      holder !== null,
    );
    await this.#requireFreePorts(otherStart);
    if (holder !== null)
      throw new CommandError(
        `The cluster in ${fromHere(this.#plan.dataDirectory)} is running already: its ZooKeeper is process ` +
          `${holder.pid}. Stop it with Ctrl-C where it was started (or bin/kafka-server-stop.sh, then ` +
          `kill ${holder.pid}),\nor start another one beside it: ${otherStart}`,
      );
    this.#progress.working('Looking for ZooKeeper');
    const installation = await requireZooKeeper(thisMachine(), (line) => this.#progress.say(line));
    const zookeeper = this.#startZooKeeper(installation);
    // Brokers load while ZooKeeper starts; they wait for it by themselves.
    const ready = this.#brokers.map((broker) => this.#startBroker(broker));
    await this.#whenZooKeeperListens(zookeeper);
    await this.#whenReady(ready);
    if (this.#isStopping) throw new CommandError('stopped');
    this.#progress.stop();
    this.#terminal.out(this.#welcome());
    for (const server of this.#servers) void this.#reportEnd(server);
  }

  async #requireFreePorts(otherStart: string): Promise<void> {
    const wanted: [port: number, whom: string][] = [
      [this.#plan.zookeeperPort, 'ZooKeeper'],
      ...this.#brokers.flatMap(({ port, httpPort, id }): [number, string][] => [
        [port, `broker ${id}`],
        [httpPort, `HTTP of broker ${id}`],
      ]),
    ];
    const taken: string[] = [];
    for (const [port, whom] of wanted)
      if (!(await isPortFree(LOOPBACK, port))) taken.push(`Port ${port}, which ${whom} needs, is in use.`);
    if (taken.length === 0) return;
    throw new CommandError(
      `${taken.join('\n')}\nIs the cluster running already? Stop what uses the port${taken.length > 1 ? 's' : ''} ` +
        '(bin/kafka-server-stop.sh; bin/zookeeper-server-stop.sh stops every ZooKeeper of this machine),\n' +
        `or take others: ${otherStart}`,
    );
  }

  get #zooKeeperConfig(): string {
    return path.join(this.#plan.dataDirectory, 'zookeeper', 'zoo.cfg');
  }

  /** What keeps the data from being written, in words; null if the error is about something else. */
  #unusableData(error: unknown): CommandError | null {
    const { dataDirectory } = this.#plan;
    const failure = unreadable(error);
    if (failure === null || !(error as NodeJS.ErrnoException).path?.startsWith(dataDirectory)) return null;
    return new CommandError(
      `The data cannot be kept in ${dataDirectory}: ${failure.message}\n` +
        'See to who may write there, or choose another directory: npm start -- --data <directory>',
    );
  }

  #launch(launch: Launch): ChildServer {
    const { name, logName, command, args, onLine } = launch;
    const logFile = path.join(this.#plan.dataDirectory, 'logs', logName);
    mkdirSync(path.dirname(logFile), { recursive: true });
    const server = new ChildServer({
      name,
      command,
      args,
      directory: ROOT,
      logFile,
      clock: this.#terminal.clock,
      onLogFailure: ({ message }) =>
        this.#terminal.error(`The log of ${name} cannot be written any more: ${message}. ${name} goes on.\n`),
      ...(onLine && { onLine }),
    });
    this.#servers.push(server);
    this.#launches.set(server, launch);
    return server;
  }

  #startZooKeeper(installation: ZooKeeperInstallation): ChildServer {
    const { zookeeperPort } = this.#plan;
    const configFile = this.#zooKeeperConfig;
    const own = path.dirname(configFile);
    mkdirSync(own, { recursive: true });
    writeFileSync(configFile, zooKeeperProperties({ dataDirectory: own, clientPort: zookeeperPort }));
    const { command, args } = zooKeeperCommand(installation, configFile, { logLevel: 'info' });
    return this.#launch({
      name: 'ZooKeeper',
      port: zookeeperPort,
      needsZooKeeper: false,
      logName: 'zookeeper.log',
      command,
      args,
      startCommand: `bin/zookeeper-server-start.sh ${fromHere(configFile)}`,
      stopCommand: 'bin/zookeeper-server-stop.sh',
    });
  }

  /** Resolves when the broker has said that it is started, or is dead. */
  async #startBroker(broker: PlannedBroker): Promise<void> {
    const { id, port, overrides } = broker;
    const started = new Deferred();
    const args = ['--disable-warning=ExperimentalWarning', path.join(ROOT, 'src/main.ts')];
    args.push(path.join(ROOT, 'config/server.properties'));
    for (const override of overrides) args.push('--override', override);
    const server = this.#launch({
      name: `broker ${id}`,
      port,
      needsZooKeeper: true,
      logName: `kafka${id}.log`,
      command: process.execPath,
      args,
      startCommand: serverStartCommand(broker),
      stopCommand: `bin/kafka-server-stop.sh --node-id=${id}`,
      onLine: (line) => {
        if (READY_LINE.test(line)) started.resolve();
      },
    });
    await Promise.race([started.promise, server.ended]);
    if (server.isRunning) this.#progress.say(`✓ broker ${id} is up (${this.#progress.seconds} s)`);
  }

  async #whenZooKeeperListens(zookeeper: ChildServer): Promise<void> {
    const { clock } = this.#terminal;
    const deadline = clock.monotonicMs() + ZOOKEEPER_START_MS;
    this.#progress.working('Starting ZooKeeper');
    while (!(await isListening(LOOPBACK, this.#plan.zookeeperPort))) {
      if (!zookeeper.isRunning || this.#isStopping) throw this.#death(zookeeper);
      if (clock.monotonicMs() > deadline)
        throw new CommandError(
          `ZooKeeper does not answer on port ${this.#plan.zookeeperPort}; see ${fromHere(zookeeper.logFile)}`,
        );
      await clock.sleep(POLL_MS);
    }
    this.#progress.say(`✓ ZooKeeper is up (${this.#progress.seconds} s)`);
  }

  async #whenReady(ready: readonly Promise<void>[]): Promise<void> {
    this.#progress.working(`Starting ${this.#brokers.length} brokers`);
    const tooLong = new Deferred<'late'>();
    const timer = this.#terminal.clock.schedule(BROKER_START_MS, () => tooLong.resolve('late'));
    const all = Promise.all(ready).then(() => 'ready' as const);
    const asked = this.#stopAsked.promise.then(() => 'stop' as const);
    const outcome = await Promise.race([all, asked, tooLong.promise]);
    timer.cancel();
    const dead = this.#servers.find((server) => !server.isRunning);
    if (dead !== undefined) throw this.#death(dead);
    if (outcome === 'late')
      throw new CommandError(`The brokers are not up after ${BROKER_START_MS / 1000} s; see ${this.#logs()}`);
  }

  #logs(): string {
    return `${fromHere(this.#plan.dataDirectory)}/logs/`;
  }

  #death(server: ChildServer): CommandError {
    const lines = lastWords(server.lastLines).map((line) => `  ${line}`);
    const log = `Its log is ${fromHere(server.logFile)}`;
    return new CommandError([`${server.name} ended while it was starting.`, ...lines, log].join('\n'));
  }

  /** A server that ends while the cluster runs is reported; the others go on, as they would anywhere else. */
  async #reportEnd(server: ChildServer): Promise<void> {
    const how = await server.ended;
    if (server.isStopping) return;
    const launch = this.#launches.get(server);
    const othersRun = this.#servers.some(({ isRunning }) => isRunning);
    const report = [
      `${server.name} has ended (${how})${othersRun ? '; the others go on' : ''}.`,
      ...lastWords(server.lastLines).map((line) => `  ${line}`),
      `Its log is ${fromHere(server.logFile)}`,
    ];
    if (othersRun)
      report.push(
        'To bring it back, in another terminal (Ctrl-C there stops it again):',
        `  ${launch?.startCommand.replaceAll('\n', '\n  ')}`,
      );
    this.#terminal.error(`${report.join('\n')}\n`);
    this.#exitCode = 1;
    if (launch !== undefined) this.#fallen.add(launch);
    if (othersRun) return;
    this.#terminal.error('No server is left.\n');
    this.#stopAsked.resolve();
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    this.#fallen.stop();
    const [zookeeper, ...brokers] = this.#servers;
    if (brokers.some(({ isRunning }) => isRunning)) {
      this.#progress.working('Stopping the brokers');
      await Promise.all(brokers.map((broker) => broker.stop(BROKER_STOP_MS)));
    }
    if (zookeeper?.isRunning) {
      this.#progress.working('Stopping ZooKeeper');
      await zookeeper.stop(ZOOKEEPER_STOP_MS);
    }
    const running = await this.#fallen.running();
    this.#progress.stop();
    if (this.#servers.length > 0) this.#terminal.out(farewell(this.#plan.dataDirectory, running));
  }

  #welcome(): string {
    const bold = (text: string): string => (this.#terminal.isTerminal.stdout ? `\u001b[1m${text}\u001b[22m` : text);
    const rows = [
      ['', 'address', 'HTTP', 'data', 'log'],
      [
        'ZooKeeper',
        `${LOOPBACK}:${this.#plan.zookeeperPort}`,
        '',
        fromHere(`${this.#plan.dataDirectory}/zookeeper`),
        `${this.#logs()}zookeeper.log`,
      ],
      ...this.#brokers.map(({ id, address, httpPort, logDirectory }) => [
        `broker ${id}`,
        address,
        `localhost:${httpPort}`,
        fromHere(logDirectory),
        `${this.#logs()}kafka${id}.log`,
      ]),
    ];
    const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    const table = rows.map((row, index) => {
      const line = row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd();
      return `  ${index === 0 ? bold(line) : line}`;
    });
    const [first] = this.#brokers;
    const bootstrap = first?.address ?? '';
    return [
      `The cluster is up after ${this.#progress.seconds} s.`,
      '',
      ...table,
      '',
      'In another terminal:',
      `  bin/kafka-topics.sh --create --topic first-topic --bootstrap-server ${bootstrap}`,
      `  bin/kafka-topics.sh --describe --bootstrap-server ${bootstrap}`,
      `  bin/kafka-console-producer.sh --topic first-topic --bootstrap-server ${bootstrap}`,
      `  bin/kafka-console-consumer.sh --topic first-topic --from-beginning --bootstrap-server ${bootstrap}`,
      '',
      `In a browser, to read what HTTP answers and to try it: http://localhost:${first?.httpPort ?? ''}/docs`,
      '',
      'Ctrl-C stops everything. The data is kept.',
      '',
    ].join('\n');
  }
}
