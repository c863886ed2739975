/**
 * @pure The assignors that a member may ask for, group.consumer.assignors: the first is what a group gets whose
 * members ask for none. They are named as Kafka 4 does, `uniform` and `range`, or by the class names of Kafka 3.9.
 */
import { assert } from '../lib/assert.ts';
import type { Assignor } from './assignor.ts';
import { RANGE_ASSIGNOR } from './range-assignor.ts';
import { UNIFORM_ASSIGNOR } from './uniform-assignor.ts';

const PACKAGE = 'org.apache.kafka.coordinator.group.assignor.';
const BY_SETTING: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', UNIFORM_ASSIGNOR],
  [`${PACKAGE}UniformAssignor`, UNIFORM_ASSIGNOR],
  ['range', RANGE_ASSIGNOR],
  [`${PACKAGE}RangeAssignor`, RANGE_ASSIGNOR],
]);

export class ServerAssignors {
  readonly names: readonly string[];
  readonly #byName = new Map<string, Assignor>();
  readonly #first: Assignor;

  /** `settings` are valid values of group.consumer.assignors; with none it is Kafka's default. */
  constructor(settings: readonly string[]) {
    for (const setting of settings.length > 0 ? settings : ['uniform', 'range']) {
      const assignor = BY_SETTING.get(setting);
      assert(assignor !== undefined, `${setting} is no assignor that this broker has`);
      this.#byName.set(assignor.name, assignor);
    }
    this.names = [...this.#byName.keys()];
    const [first] = this.#byName.values();
    assert(first !== undefined, 'at least one assignor');
    this.#first = first;
  }

  get defaultName(): string {
    return this.#first.name;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** The default for a name that is no longer configured: the member asked for it in earlier days. */
  named(name: string | null): Assignor {
    return (name === null ? undefined : this.#byName.get(name)) ?? this.#first;
  }
}
