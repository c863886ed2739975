/**
 * @pure The options of a command line as Kafka's tools understand them (jopt-simple without abbreviations): `--flag
 * value` and `--flag=value`, repeatable, `--` ends them.
 *
 * Guarantees: what is refused is refused in jopt's words; numbers are judged when they are asked for, as there.
 */
import { nearestKey } from '../config/nearest-key.ts';

export interface OptionSpec {
  readonly description: string;
  /** What the argument is, as the help names it; without it the option is a flag. */
  readonly argument?: string;
  /** The argument may be left out. */
  readonly argumentIsOptional?: boolean;
  /** Text used when the option is not given; shown in the help. */
  readonly default?: string;
  /** Marked in the help; the command checks it itself, since the wording differs. */
  readonly required?: boolean;
  /** Other names, older or newer than this one. */
  readonly aliases?: readonly string[];
  /** Accepted and not shown in the help. */
  readonly hidden?: boolean;
}

export type OptionSpecs<Name extends string = string> = Readonly<Record<Name, OptionSpec>>;

/** Every command has these. */
export const COMMON_OPTIONS = {
  help: { description: 'Print usage information.' },
  version: { description: 'Display Kafka version.' },
} satisfies OptionSpecs;

/** A command line that cannot be understood. The message is jopt's; `hint` says what would be right. */
export class OptionError extends Error {
  readonly hint: string | null;
  constructor(message: string, hint: string | null = null) {
    super(message);
    this.hint = hint;
  }
}

const REMOVED_OPTIONS = new Map([
  ['zookeeper', 'Tools speak to brokers, not to ZooKeeper: use --bootstrap-server host:port instead.'],
]);

export class Options<Name extends string> {
  readonly #specs: OptionSpecs<Name>;
  readonly #values: ReadonlyMap<Name, readonly string[]>;
  /** Arguments that belong to no option. */
  readonly rest: readonly string[];

  constructor(specs: OptionSpecs<Name>, values: ReadonlyMap<Name, readonly string[]>, rest: readonly string[]) {
    this.#specs = specs;
    this.#values = values;
    this.rest = rest;
  }

  has(name: Name): boolean {
    return this.#values.has(name);
  }

  /** Every argument given, in order; a flag or a left-out argument counts as ''. */
  all(name: Name): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The one argument, or the default, or undefined. */
  text(name: Name): string | undefined {
    const values = this.all(name);
    if (values.length > 1)
      throw new OptionError(`Found multiple arguments for option ${name}, but you asked for only one`);
    return values[0] ?? this.#specs[name].default;
  }

  /** For an option that the command has checked to be there, or that has a default. */
  required(name: Name): string {
    const text = this.text(name);
    if (text === undefined) throw new OptionError(`Missing required argument "[${name}]"`);
    return text;
  }

  /** A Java int. */
  int(name: Name): number | undefined {
    return this.#integer(name, 2n ** 31n);
  }

  /** A Java long; beyond 2^53 it saturates. */
  long(name: Name): number | undefined {
    return this.#integer(name, 2n ** 63n);
  }

  #integer(name: Name, limit: bigint): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : null;
    if (value === null || value >= limit || value < -limit)
      throw new OptionError(`Cannot parse argument '${text}' of option ${name}`);
    const safe = BigInt(Number.MAX_SAFE_INTEGER);
    return Number(value > safe ? safe : value < -safe ? -safe : value);
  }
}

/** @throws OptionError */
export function parseOptions<Name extends string>(specs: OptionSpecs<Name>, args: readonly string[]): Options<Name> {
  const names = namesOf(specs);
  const values = new Map<Name, string[]>();
  const rest: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    if (argument === '--') {
      rest.push(...args.slice(index + 1));
      break;
    }
    if (!argument.startsWith('-') || argument === '-') {
      rest.push(argument);
      continue;
    }
    const [, given = '', attached] = /^--?([^=]*)(?:=(.*))?$/su.exec(argument) ?? [];
    const name = names.get(given);
    if (name === undefined) throw unrecognized(given, names.keys());
    const spec = specs[name];
    if (spec.argument === undefined) {
      if (attached !== undefined) throw new OptionError(`Option ${given} does not accept an argument`);
      add(values, name, '');
    } else if (attached !== undefined) add(values, name, attached);
    else if (spec.argumentIsOptional) {
      const next = args[index + 1];
      const takesNext = next !== undefined && !next.startsWith('-');
      if (takesNext) index++;
      add(values, name, takesNext ? next : '');
    } else {
      index++;
      const next = args[index];
      if (next === undefined) throw new OptionError(`Option ${given} requires an argument`);
      add(values, name, next);
    }
  }
  return new Options(specs, values, rest);
}

function namesOf<Name extends string>(specs: OptionSpecs<Name>): Map<string, Name> {
  const names = new Map<string, Name>();
  for (const name of Object.keys(specs) as Name[]) {
    names.set(name, name);
    for (const alias of specs[name].aliases ?? []) names.set(alias, name);
  }
  return names;
}

function unrecognized(given: string, names: Iterable<string>): OptionError {
  const meant = nearestKey(given, names);
  const hint = REMOVED_OPTIONS.get(given) ?? (meant === null ? null : `Did you mean --${meant}?`);
  return new OptionError(`${given} is not a recognized option`, hint);
}

function add<Name>(values: Map<Name, string[]>, name: Name, value: string): void {
  const earlier = values.get(name);
  if (earlier === undefined) values.set(name, [value]);
  else earlier.push(value);
}

/** `key=value` arguments of --property and its kin; a missing value is empty. */
export function keyValueArguments(args: readonly string[]): Map<string, string> {
  const pairs = args.map((argument): [string, string] => {
    const equals = argument.indexOf('=');
    return equals < 0 ? [argument, ''] : [argument.slice(0, equals), argument.slice(equals + 1)];
  });
  return new Map(pairs);
}
