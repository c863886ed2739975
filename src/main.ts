/**
 * The process of one broker: arguments, signals and exit codes.
 *
 * Exit codes: 0 stopped as asked, 1 the configuration, the start-up or the last disk failed (the reason is printed), 70
 * a fault of our own (a failed assertion, an unhandled rejection): the supervisor restarts, recovery is tested, limping
 * on is not.
 */
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import type { RunningBroker } from './compose.ts';

enableCompileCache(path.join(import.meta.dirname, '..', '.cache', 'node'));
// Loaded after the cache is on, so that everything below comes compiled from the second start.
const { createLogger } = await import('./logging.ts');
const { brokerValuesText } = await import('./config/describe.ts');
const { loadBrokerConfig } = await import('./config/load.ts');
const { KafkaError } = await import('./protocol/errors.ts');
const { startBroker } = await import('./compose.ts');
const { startFailureLines } = await import('./start-failure.ts');
const { default: manifest } = await import('../package.json', { with: { type: 'json' } });

const USAGE = 'USAGE: kafka-server-start.sh [-daemon] server.properties [--override property=value]*';
const VERSION = `3.9.0 (Barnabas ${manifest.version})`;
const EXIT_FAULT = 70;

const logger = createLogger(process.env);
let running: RunningBroker | null = null;
let isStopping = false;

function crash(what: string, error: unknown): never {
  if (error instanceof KafkaError && error.error === 'KAFKA_STORAGE_ERROR') {
    logger.error(`${what}: ${error.message}. The broker stops now; see to the disk, and start it again.`);
    process.exit(1);
  }
  logger.error(`${what}: the broker stops now`, error);
  process.exit(EXIT_FAULT);
}

async function stop(signal: string): Promise<void> {
  if (isStopping) {
    logger.warn(`${signal} again: stopping without waiting`);
    process.exit(1);
  }
  isStopping = true;
  logger.info(`Terminating process due to signal ${signal}`);
  await running?.close();
  process.exit(0);
}

process.on('uncaughtException', (error) => crash('Uncaught exception', error));
process.on('unhandledRejection', (error) => crash('Unhandled rejection', error));
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => stop(signal).catch((error: unknown) => crash('Shutdown failed', error)));

const loaded = loadBrokerConfig({ arguments: process.argv.slice(2), environment: process.env });
if (loaded.kind === 'usage') {
  if (loaded.reason !== null) console.error(loaded.reason);
  console.error(USAGE);
  process.exit(1);
}
if (loaded.kind === 'version') {
  console.log(VERSION);
  process.exit(0);
}
if (loaded.kind === 'problems') {
  for (const problem of loaded.problems) logger.error(problem);
  logger.error('Exiting Kafka due to fatal exception: the configuration cannot be used');
  process.exit(1);
}
logger.info(`Kafka version: 3.9.0 (Barnabas ${manifest.version} on Node ${process.version})`);
logger.named('kafka.server.KafkaConfig').info(brokerValuesText(loaded.config));
for (const warning of loaded.warnings) logger.warn(warning);
try {
  running = await startBroker({ config: loaded.config, logger, onFatal: crash });
  if (isStopping) await running.close();
} catch (error) {
  const lines = startFailureLines(error);
  const fatal = logger.named('kafka.Kafka$');
  for (const line of lines ?? []) fatal.error(line);
  fatal.error('Exiting Kafka due to fatal exception during startup.', lines === null ? error : undefined);
  process.exit(1);
}
