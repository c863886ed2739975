/**
 * How to start a broker of either make. Barnabas is what is judged; Apache Kafka is what the judges were tried on, and
 * what he is compared with.
 */
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { kafkaLibDirectory } from './kafka-jars.ts';

export type Implementation = 'barnabas' | 'apache-kafka';

export interface LaunchCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** BROKER_UNDER_TEST=apache-kafka turns every cluster test on Apache Kafka, to prove that the test itself is sound. */
export function implementationUnderTest(): Implementation {
  return process.env['BROKER_UNDER_TEST'] === 'apache-kafka' ? 'apache-kafka' : 'barnabas';
}

/** As bin/launch.sh sets it: what a user starts is what is tested and measured. */
export const COMPILE_CACHE = path.resolve(import.meta.dirname, '../../.cache/node');
const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');

/** The broker says that it serves. Both makes print it. */
export const READY = /\[KafkaServer id=\d+\] started/;

/** Quick to start, which is what tests want; a measurement wants the virtual machine at its best. */
const QUICK_JAVA = ['-Xmx384m', '-Xms128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export interface RuntimeArguments {
  /** Arguments of Node before the program, such as --cpu-prof. */
  readonly node?: readonly string[];
  readonly java?: readonly string[];
}

export async function launchCommand(
  implementation: Implementation,
  propertiesFile: string,
  { node = [], java = QUICK_JAVA }: RuntimeArguments = {},
): Promise<LaunchCommand> {
  if (implementation === 'barnabas') return { command: process.execPath, args: [...node, MAIN, propertiesFile] };
  const log4j = path.join(path.dirname(propertiesFile), 'log4j.properties');
  writeFileSync(log4j, LOG4J);
  const classPath = `${await kafkaLibDirectory()}/*`;
  return {
    command: 'java',
    args: [...java, '-cp', classPath, `-Dlog4j.configuration=file:${log4j}`, 'kafka.Kafka', propertiesFile],
  };
}

const LOG4J = `
log4j.rootLogger=WARN, A
log4j.logger.kafka.server.KafkaServer=INFO
log4j.appender.A=org.apache.log4j.ConsoleAppender
log4j.appender.A.layout=org.apache.log4j.PatternLayout
log4j.appender.A.layout.ConversionPattern=[%d] %p %m (%c)%n
`;
