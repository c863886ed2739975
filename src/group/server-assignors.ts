/**
 * @pure The assignors that a member may ask for, group.consumer.assignors: the first is what a group gets whose
 * members ask for none.
 */
import { assert } from '../lib/assert.ts';
import type { Assignor } from './assignor.ts';
import { RANGE_ASSIGNOR } from './range-assignor.ts';
import { UNIFORM_ASSIGNOR } from './uniform-assignor.ts';

const ALL: ReadonlyMap<string, Assignor> = new Map(
  [UNIFORM_ASSIGNOR, RANGE_ASSIGNOR].map((assignor) => [assignor.name, assignor]),
);

export class ServerAssignors {
  readonly names: readonly string[];
  readonly #byName = new Map<string, Assignor>();
  readonly #first: Assignor;

  /** Of those that this broker has, at least one. */
  constructor(names: readonly string[]) {
    for (const name of names) {
      const assignor = ALL.get(name);
      assert(assignor !== undefined, `${name} is no assignor that this broker has`);
      this.#byName.set(name, assignor);
    }
    this.names = names;
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
