/**
 * The process's log: pino behind the Logger of lib/, written to stdout in the line format of Kafka's own log4j pattern
 * (`[2026-11-21 10:00:00,123] INFO message (kafka.server.KafkaServer)`), since people search their logs for those
 * lines. With BARNABAS_LOG_FORMAT=json the lines are pino's JSON.
 */
import pino from 'pino';
import type { Logger } from './lib/logger.ts';

/** log4j's level names in KAFKA_LOG4J_ROOT_LOGLEVEL are accepted beside pino's. */
const LEVELS: Record<string, string> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'fatal',
};
const LABELS: Record<number, string> = { 10: 'TRACE', 20: 'DEBUG', 30: 'INFO', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };

interface Line {
  level: number;
  time: number;
  msg: string;
  name: string;
  err?: { stack?: string; message?: string };
}

export function createLogger(environment: NodeJS.ProcessEnv): Logger {
  const level = LEVELS[environment['KAFKA_LOG4J_ROOT_LOGLEVEL']?.toUpperCase() ?? ''] ?? 'info';
  // Synchronous: the last lines before an exit are the ones that matter.
  const stdout = pino.destination({ fd: 1, sync: true });
  const asJson = environment['BARNABAS_LOG_FORMAT'] === 'json';
  const destination = asJson ? stdout : { write: (text: string) => stdout.write(kafkaLine(JSON.parse(text) as Line)) };
  return adapt(
    pino({ level, base: null, serializers: { err: pino.stdSerializers.err } }, destination),
    'kafka.server.KafkaServer',
  );
}

function adapt(root: pino.Logger, name: string): Logger {
  const child = root.child({ name });
  return {
    debug: (message) => child.debug(message),
    info: (message) => child.info(message),
    warn: (message, error) => (error === undefined ? child.warn(message) : child.warn({ err: error }, message)),
    error: (message, error) => (error === undefined ? child.error(message) : child.error({ err: error }, message)),
    named: (other) => adapt(root, other),
  };
}

/** Text from a client can be in a message: it may not start a line of its own or drive the terminal. */
function harmless(text: string): string {
  return text
    .trimEnd()
    .replace(/(?![\t\n])\p{Cc}/gu, '?')
    .replace(/\n(?!\t)/g, '\n\t');
}

function kafkaLine({ level, time, msg, name, err }: Line): string {
  const at = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const milliseconds = String(at.getMilliseconds()).padStart(3, '0');
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())},${milliseconds}`;
  const trace = err === undefined ? '' : `${harmless(err.stack ?? err.message ?? '')}\n`;
  return `[${date} ${clock}] ${LABELS[level] ?? level} ${harmless(msg)} (${name})\n${trace}`;
}
