/** Apache Kafka's own command line tools, run from its jars. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { type Outcome, type RunOptions, run, startProcess } from './child-process.ts';
import { KAFKA_FOUR_VERSION, KAFKA_VERSION, kafkaLibDirectory } from './kafka-jars.ts';

/** Main classes of version 3.9. */
export const KAFKA_TOOLS = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  consoleProducer: 'kafka.tools.ConsoleProducer',
  consoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  verifiableConsumer: 'org.apache.kafka.tools.VerifiableConsumer',
  consumerGroups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  deleteRecords: 'org.apache.kafka.tools.DeleteRecordsCommand',
  verifiableProducer: 'org.apache.kafka.tools.VerifiableProducer',
  producerPerformance: 'org.apache.kafka.tools.ProducerPerformance',
  consumerPerformance: 'org.apache.kafka.tools.ConsumerPerformance',
  brokerApiVersions: 'kafka.admin.BrokerApiVersionsCommand',
  getOffsets: 'org.apache.kafka.tools.GetOffsetShell',
  leaderElection: 'org.apache.kafka.tools.LeaderElectionCommand',
  logDirs: 'org.apache.kafka.tools.LogDirsCommand',
  dumpLog: 'kafka.tools.DumpLogSegments',
  configs: 'kafka.admin.ConfigCommand',
  cluster: 'org.apache.kafka.tools.ClusterTool',
} as const;
export type KafkaTool = keyof typeof KAFKA_TOOLS;

let log4jFile: string | null = null;

/** Warnings go to the standard error, as with the tools' own configuration. */
function log4j(): string {
  if (log4jFile === null) {
    log4jFile = path.join(mkdtempSync(path.join(tmpdir(), 'barnabas-tools-')), 'log4j.properties');
    writeFileSync(
      log4jFile,
      [
        'log4j.rootLogger=WARN, E',
        'log4j.appender.E=org.apache.log4j.ConsoleAppender',
        'log4j.appender.E.Target=System.err',
        'log4j.appender.E.layout=org.apache.log4j.PatternLayout',
        'log4j.appender.E.layout.ConversionPattern=[%d] %p %m (%c)%n',
      ].join('\n'),
    );
  }
  return log4jFile;
}

export async function javaArguments(
  tool: KafkaTool,
  args: readonly string[],
  release: '3.9' | '4.x' = '3.9',
): Promise<string[]> {
  const lib = await kafkaLibDirectory(release === '3.9' ? KAFKA_VERSION : KAFKA_FOUR_VERSION);
  return [
    '-Xmx256m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Dlog4j.configuration=file:${log4j()}`,
    '-cp',
    `${lib}/*`,
    KAFKA_TOOLS[tool],
    ...args,
  ];
}

/** Runs a tool to its end, whatever its exit code. */
export async function kafkaTool(tool: KafkaTool, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run('java', await javaArguments(tool, args), { timeoutMs: 120_000, ...options });
}

/** The lines of the standard output of a tool that has to succeed. */
export async function kafkaToolLines(
  tool: KafkaTool,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string[]> {
  const { exitCode, stdout, stderr } = await kafkaTool(tool, args, options);
  if (exitCode !== 0) throw new Error(`${tool} ${args.join(' ')} ended with ${exitCode}\n${stdout}\n${stderr}`);
  return linesOf(stdout);
}

export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Starts a tool that runs beside the test and hands over its lines as they come; `stop` ends it as Ctrl-C would. */
export async function startKafkaTool(
  tool: KafkaTool,
  args: readonly string[],
): Promise<{ lines: string[]; stop(): Promise<void> }> {
  const child = startProcess('java', await javaArguments(tool, args), { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let rest = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    const parts = (rest + bytes.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    lines,
    stop: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}
