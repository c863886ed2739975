/**
 * @pure What may be done to the loggers of a broker by name (Kafka's RuntimeLoggerManager): nothing, since there is
 * none of any name here. Whoever tries is told what Kafka says of a logger that does not exist.
 */
import { CONFIG_OPERATIONS, type ConfigOperation } from '../config/config-operations.ts';
import { KafkaError } from '../protocol/errors.ts';

/** @throws KafkaError unless there is nothing to do */
export function checkLoggerOperations(
  brokerId: number,
  resourceName: string,
  operations: readonly ConfigOperation[],
): void {
  if (!/^[+-]?\d{1,10}$/.test(resourceName))
    throw new KafkaError('INVALID_REQUEST', `Node id must be an integer, but it is: ${resourceName}`);
  if (Number(resourceName) !== brokerId)
    throw new KafkaError('INVALID_REQUEST', `Unexpected node id. Expected ${brokerId}, but received ${resourceName}`);
  for (const { name, operation } of operations) {
    const isKnown = operation === CONFIG_OPERATIONS.SET || operation === CONFIG_OPERATIONS.DELETE;
    if (isKnown) throw new KafkaError('INVALID_CONFIG', `Logger ${name} does not exist!`);
    const verb = Object.entries(CONFIG_OPERATIONS).find(([, number]) => number === operation)?.[0];
    const what = verb === undefined ? `Unknown operation type ${operation}` : `${verb} operation`;
    throw new KafkaError('INVALID_REQUEST', `${what} is not allowed for the BROKER_LOGGER resource`);
  }
}
