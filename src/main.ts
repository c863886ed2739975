/**
 * The process of one broker: arguments, signals and exit codes.
 *
 * Exit codes: 0 stopped as asked, 1 the configuration or the start-up failed (the reason is printed), 70 a fault of our
 * own (a failed assertion, an unhandled rejection): the supervisor restarts, recovery is tested, limping on is not.
 */
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import type { RunningBroker } from './compose.ts';

enableCompileCache(path.join(import.meta.dirname, '..', '.cache', 'node'));
// Loaded after the cache is on, so that everything below comes compiled from the second start.
const { createLogger } = await import('./logging.ts');
const { brokerValuesText } = await import('./config/describe.ts');
const { loadBrokerConfig } = await import('./config/load.ts');
const { startBroker } = await import('./compose.ts');

const USAGE = 'USAGE: kafka-server-start.sh [-daemon] server.properties [--override property=value]*';
const EXIT_FAULT = 70;

const logger = createLogger(process.env);
let running: RunningBroker | null = null;
let isStopping = false;

function crash(what: string, error: unknown): never {
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
  console.error(USAGE);
  process.exit(1);
}
if (loaded.kind === 'problems') {
  for (const problem of loaded.problems) logger.error(problem);
  logger.error('Exiting Kafka due to fatal exception: the configuration cannot be used');
  process.exit(1);
}
logger.named('kafka.server.KafkaConfig').info(brokerValuesText(loaded.config));
for (const warning of loaded.warnings) logger.warn(warning);
try {
  running = await startBroker({ config: loaded.config, logger, onFatal: crash });
  if (isStopping) await running.close();
} catch (error) {
  logger.named('kafka.Kafka$').error('Exiting Kafka due to fatal exception', error);
  process.exit(1);
}
