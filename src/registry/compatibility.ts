/**
 * @pure Whether data written with one Avro schema can be read with another, and all that stands against it: the rules
 * and the words of Avro Java (SchemaCompatibility), in the texts of Confluent's registry (its class Difference).
 *
 * Guarantees: agrees with Avro Java on every verdict, also where its rules are laxer than the specification's: names
 * are compared without their namespaces. Recursive schemas end; the number of differences told is bounded, for in
 * schemas that use one type in many places their number is not.
 */
import {
  type AvroNode,
  type EnumNode,
  type FixedNode,
  fullName,
  type NamedNode,
  type RecordNode,
} from './avro-node.ts';
import { avroText } from './avro-text.ts';

export type DifferenceType =
  | 'NAME_MISMATCH'
  | 'FIXED_SIZE_MISMATCH'
  | 'MISSING_ENUM_SYMBOLS'
  | 'READER_FIELD_MISSING_DEFAULT_VALUE'
  | 'TYPE_MISMATCH'
  | 'MISSING_UNION_BRANCH';

export interface Difference {
  readonly type: DifferenceType;
  /** A JSON pointer into the schema that reads, or into the union that was written. */
  readonly path: string;
  /** Which field, which symbols, which types. */
  readonly info: string;
}

/**
 * There is no verdict: two fields of the writer stand for one of the reader, by its name and an alias, and no rule says
 * which; or the comparison would take longer than a broker can be without its event loop.
 */
export class IncomparableError extends Error {
  override readonly name = 'IncomparableError';
}

const MAX_DIFFERENCES = 200;
/** Pairs of types and fields. Two unions of five hundred records each are as many pairs. */
const MAX_COMPARISONS = 250_000;
const NONE: readonly Difference[] = [];
/** What else a type reads, by promotion. */
const PROMOTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['long', ['int']],
  ['float', ['int', 'long']],
  ['double', ['int', 'long', 'float']],
  ['bytes', ['string']],
  ['string', ['bytes']],
]);

/** Empty when everything that was written with `writer` can be read with `reader`. Throws IncomparableError. */
export function differences(reader: AvroNode, writer: AvroNode): readonly Difference[] {
  return new Comparison().compare(reader, writer, []);
}

/** The words of Confluent's registry; `readerName` and `writerName` are "new" and "old", or the reverse. */
export function differenceText({ type, path, info }: Difference, readerName: string, writerName: string): string {
  return `{errorType:'${type}', description:'${description()}', additionalInfo:'${info}'}`;

  function description(): string {
    const reader = `the ${readerName} schema`;
    const writer = `the ${writerName} schema`;
    switch (type) {
      case 'FIXED_SIZE_MISMATCH':
        return `The size of FIXED type field at path '${path}' in ${reader} does not match with ${writer}`;
      case 'TYPE_MISMATCH':
        return `The type (path '${path}') of a field in ${reader} does not match with ${writer}`;
      case 'NAME_MISMATCH':
        return `The name of the schema has changed (path '${path}')`;
      case 'MISSING_ENUM_SYMBOLS':
        return `The ${readerName} schema is missing enum symbols '${info}' at path '${path}' in ${writer}`;
      case 'MISSING_UNION_BRANCH':
        return `The ${readerName} schema is missing a type inside a union field at path '${path}' in ${writer}`;
      case 'READER_FIELD_MISSING_DEFAULT_VALUE':
        return `The field '${info}' at path '${path}' in ${reader} has no default value and is missing in ${writer}`;
    }
  }
}

type Location = readonly (string | number)[];

/** Looks at each pair of nodes once; a pair that is met again while it is looked at counts as compatible. */
class Comparison {
  readonly #known = new Map<AvroNode, Map<AvroNode, readonly Difference[]>>();

  #comparisons = 0;

  compare(reader: AvroNode, writer: AvroNode, location: Location): readonly Difference[] {
    this.#count(1);
    let ofReader = this.#known.get(reader);
    if (ofReader === undefined) {
      ofReader = new Map();
      this.#known.set(reader, ofReader);
    }
    const known = ofReader.get(writer);
    if (known !== undefined) return known;
    ofReader.set(writer, NONE);
    const found = this.#differences(reader, writer, location);
    ofReader.set(writer, found);
    return found;
  }

  #differences(reader: AvroNode, writer: AvroNode, location: Location): readonly Difference[] {
    if (reader.type === 'union' && writer.type === 'union') return this.#unions(reader, writer, location);
    if (writer.type === 'union')
      return all(writer.branches.map((branch, index) => () => this.compare(reader, branch, [...location, index])));
    if (reader.type === 'union') {
      const isReadable = reader.branches.some((branch) => this.compare(branch, writer, []).length === 0);
      return isReadable ? NONE : missingBranch(writer, location);
    }
    if (reader.type === 'array' && writer.type === 'array')
      return this.compare(reader.items, writer.items, [...location, 'items']);
    if (reader.type === 'map' && writer.type === 'map')
      return this.compare(reader.values, writer.values, [...location, 'values']);
    if (reader.type === 'fixed' && writer.type === 'fixed')
      return all([() => names(reader, writer, location), () => sizes(reader, writer, location)]);
    if (reader.type === 'enum' && writer.type === 'enum')
      return all([() => names(reader, writer, location), () => symbols(reader, writer, location)]);
    if (reader.type === 'record' && writer.type === 'record')
      return all([() => names(reader, writer, location), () => this.#fields(reader, writer, location)]);
    if (reader.type === writer.type || PROMOTIONS.get(reader.type)?.includes(writer.type)) return NONE;
    return typeMismatch(reader, writer, location);
  }

  #count(comparisons: number): void {
    this.#comparisons += comparisons;
    if (this.#comparisons > MAX_COMPARISONS) throw new IncomparableError('the schemas are too large to be compared');
  }

  /** What exactly a branch lacks is not told: the reader could have had another that reads it. */
  #unions(reader: AvroNode, writer: { readonly branches: readonly AvroNode[] }, location: Location): Difference[] {
    const found: Difference[] = [];
    writer.branches.forEach((branch, index) => {
      if (found.length >= MAX_DIFFERENCES || this.compare(reader, branch, []).length === 0) return;
      found.push(...missingBranch(branch, [...location, index]));
    });
    return found;
  }

  #fields(reader: RecordNode, writer: RecordNode, location: Location): readonly Difference[] {
    this.#count(reader.fields.length + writer.fields.length);
    const written = new Map(writer.fields.map((field) => [field.name, field]));
    return all(
      reader.fields.map((field, index) => () => {
        const at = [...location, 'fields', index];
        const candidates = [field.name, ...field.aliases].flatMap((name) => written.get(name) ?? []);
        if (candidates.length > 1)
          throw new IncomparableError(
            `Reader record field ${field.name} type:${typeName(field.type)} pos:${index} matches multiple fields in ` +
              `writer record schema ${avroText(writer, { knownNames: [] })}`,
          );
        const counterpart = candidates[0];
        if (counterpart !== undefined) return this.compare(field.type, counterpart.type, [...at, 'type']);
        if (field.defaultValue !== undefined) return NONE;
        // Java takes an enum's own default for a start of a search, and finds that an enum is no record.
        if (field.type.type === 'enum' && field.type.defaultSymbol !== null)
          return this.compare(field.type, writer, [...at, 'type']);
        return [difference('READER_FIELD_MISSING_DEFAULT_VALUE', at, field.name)];
      }),
    );
  }
}

/** One look after the other, until there are more differences than anybody reads. */
function all(looks: readonly (() => readonly Difference[])[]): readonly Difference[] {
  let found: readonly Difference[] = NONE;
  for (const look of looks) {
    const more = look();
    if (more.length > 0) found = [...found, ...more].slice(0, MAX_DIFFERENCES);
    if (found.length >= MAX_DIFFERENCES) break;
  }
  return found;
}

/** Short names, or one of the reader's aliases with its namespace. */
function names(reader: NamedNode, writer: NamedNode, location: Location): readonly Difference[] {
  if (reader.name.name === writer.name.name) return NONE;
  const written = fullName(writer.name);
  // Java writes an alias outside of all namespaces with a point before it when its owner has one, so it never fits.
  const isAlias = reader.aliases.some(
    (alias) => fullName(alias) === written && !(alias.space === '' && reader.name.space !== ''),
  );
  return isAlias ? NONE : [difference('NAME_MISMATCH', [...location, 'name'], `expected: ${written}`)];
}

function sizes(reader: FixedNode, writer: FixedNode, location: Location): readonly Difference[] {
  if (reader.size === writer.size) return NONE;
  return [difference('FIXED_SIZE_MISMATCH', [...location, 'size'], `expected: ${writer.size}, found: ${reader.size}`)];
}

function symbols(reader: EnumNode, writer: EnumNode, location: Location): readonly Difference[] {
  if (reader.defaultSymbol !== null) return NONE;
  const known = new Set(reader.symbols);
  const missing = writer.symbols.filter((symbol) => !known.has(symbol)).toSorted();
  if (missing.length === 0) return NONE;
  return [difference('MISSING_ENUM_SYMBOLS', [...location, 'symbols'], `[${missing.join(', ')}]`)];
}

function missingBranch(writer: AvroNode, location: Location): Difference[] {
  return [difference('MISSING_UNION_BRANCH', location, `reader union lacking writer type: ${typeName(writer)}`)];
}

function typeMismatch(reader: AvroNode, writer: AvroNode, location: Location): Difference[] {
  const info = `reader type: ${typeName(reader)} not compatible with writer type: ${typeName(writer)}`;
  return [difference('TYPE_MISMATCH', location, info)];
}

function typeName(node: AvroNode): string {
  return node.type.toUpperCase();
}

function difference(type: DifferenceType, location: Location, info: string): Difference {
  const tokens = location.map((token) => String(token).replaceAll('~', '~0').replaceAll('/', '~1'));
  return { type, path: `/${tokens.join('/')}`, info };
}
