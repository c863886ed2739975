/**
 * @pure What IncrementalAlterConfigs does to the stored overrides of a resource (Kafka's
 * ConfigAdminManager.prepareIncrementalConfigs).
 *
 * Guarantees: what is stored is never changed in place; an operation that means nothing is refused with a ConfigRefusal
 * and then nothing is changed at all. Doing the same twice leaves the same.
 */
import type { ConfigKey } from './definition.ts';

/** The numbers are those of the request (AlterConfigOp.OpType). */
export const CONFIG_OPERATIONS = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface ConfigOperation {
  readonly name: string;
  /** See CONFIG_OPERATIONS; any number may come. */
  readonly operation: number;
  /** Of no meaning for DELETE. */
  readonly value: string | null;
}

/** Why overrides cannot be what somebody wants them to be, with the protocol's error and Kafka's words. */
export class ConfigRefusal extends Error {
  readonly error: 'INVALID_CONFIG' | 'INVALID_REQUEST';

  constructor(error: ConfigRefusal['error'], message: string) {
    super(message);
    this.error = error;
  }
}

/**
 * The overrides after the operations, in their order.
 * @param keyOf the definition of a key of that kind of resource
 * @throws ConfigRefusal
 */
export function applyConfigOperations(
  stored: ReadonlyMap<string, string>,
  operations: readonly ConfigOperation[],
  keyOf: (name: string) => ConfigKey | undefined,
): Map<string, string> {
  const config = new Map(stored);
  for (const { name, operation, value } of operations) {
    switch (operation) {
      case CONFIG_OPERATIONS.SET:
        config.set(name, value ?? '');
        break;
      case CONFIG_OPERATIONS.DELETE:
        config.delete(name);
        break;
      case CONFIG_OPERATIONS.APPEND: {
        const before = listBefore(config, name, keyOf(name), 'append');
        const added = entriesOf(value ?? '').filter((entry) => !before.includes(entry));
        config.set(name, [...before, ...added].join(','));
        break;
      }
      case CONFIG_OPERATIONS.SUBTRACT: {
        const rest = listBefore(config, name, keyOf(name), 'subtract');
        for (const entry of entriesOf(value ?? '')) {
          const index = rest.indexOf(entry);
          if (index >= 0) rest.splice(index, 1);
        }
        config.set(name, rest.join(','));
        break;
      }
      default:
        throw new ConfigRefusal('INVALID_REQUEST', `Unknown operations type ${operation}`);
    }
  }
  return config;
}

/** Where nothing is stored, a list begins with the default of its key, not with that of the broker. */
function listBefore(
  config: ReadonlyMap<string, string>,
  name: string,
  definition: ConfigKey | undefined,
  verb: 'append' | 'subtract',
): string[] {
  if (definition === undefined) throw new ConfigRefusal('INVALID_CONFIG', `Unknown config name: ${name}`);
  if (definition.type !== 'LIST')
    throw new ConfigRefusal('INVALID_CONFIG', `Config value ${verb} is not allowed for config key: ${name}`);
  return entriesOf(config.get(name) ?? definition.defaultText ?? '');
}

function entriesOf(text: string): string[] {
  return text.split(',').filter((entry) => entry !== '');
}
