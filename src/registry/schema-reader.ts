/**
 * @pure Schemas of requests and of the store as AvroSchema, with what they refer to: looks references up, one behind
 * those that it refers to itself.
 *
 * Guarantees: what cannot be read is a RegistryError 42201 in a request, and taken as it is in the store, where
 * registries of others may have left it; a bounded number of parsed schemas is kept.
 */
import { AvroSchemaError } from './avro-parser.ts';
import { type AvroSchema, parseAvroSchema } from './avro-schema.ts';
import { invalidSchema } from './registry-errors.ts';
import type { SchemaReference, StoredSchema } from './registry-record.ts';
import type { SubjectStore } from './subject-store.ts';

/** As clients send it, looked at no further. */
export interface SchemaRequest {
  readonly schema: string;
  readonly schemaType: string;
  readonly references: readonly SchemaReference[];
  /** metadata and ruleSet, which are given back as they came. */
  readonly extras: ReadonlyMap<string, unknown>;
}

export interface ReadSchema {
  readonly schema: AvroSchema;
  /** What is stored and compared. */
  readonly content: SchemaRequest;
}

const MAX_PARSED = 500;
const MAX_REFERENCES = 1000;
const LATEST = -1;

export class SchemaReader {
  readonly #store: SubjectStore;
  readonly #parsed = new Map<StoredSchema, AvroSchema | null>();

  constructor(store: SubjectStore) {
    this.#store = store;
  }

  /** Throws RegistryError. `isNew`: to be registered, so it has to keep all rules and may refer to nothing deleted. */
  read(request: SchemaRequest, { isNew, isNormalized }: { isNew: boolean; isNormalized: boolean }): ReadSchema {
    if (request.schemaType !== 'AVRO') throw invalidSchema(`Invalid schema type ${request.schemaType}`);
    if (request.schema.trim() === '') throw invalidSchema('Empty schema');
    try {
      const { references, texts } = this.#resolve(request.references, isNew);
      const schema = parseAvroSchema(request.schema, texts, { isNew, isNormalized });
      return { schema, content: { ...request, schema: schema.text, references } };
    } catch (error) {
      if (!(error instanceof AvroSchemaError)) throw error;
      throw invalidSchema(`Invalid schema ${describe(request)}, details: ${error.message}`);
    }
  }

  /** Null for a schema of another type and for one that cannot be read. */
  parsed(stored: StoredSchema): AvroSchema | null {
    const known = this.#parsed.get(stored);
    if (known !== undefined) return known;
    const schema = this.#parse(stored);
    if (this.#parsed.size >= MAX_PARSED)
      for (const oldest of this.#parsed.keys()) {
        this.#parsed.delete(oldest);
        break;
      }
    this.#parsed.set(stored, schema);
    return schema;
  }

  #parse(stored: StoredSchema): AvroSchema | null {
    if (stored.schemaType !== 'AVRO') return null;
    try {
      const { texts } = this.#resolve(stored.references, false);
      return parseAvroSchema(stored.schema, texts, { isNew: false, isNormalized: false });
    } catch (error) {
      if (error instanceof AvroSchemaError) return null;
      throw error;
    }
  }

  #resolve(references: readonly SchemaReference[], isNew: boolean): { references: SchemaReference[]; texts: string[] } {
    const texts: string[] = [];
    const seen = new Set<string>();
    const visit = (reference: SchemaReference): SchemaReference => {
      const found = this.#referred(reference, isNew);
      const resolved = { ...reference, version: found.version };
      if (seen.has(reference.name)) return resolved;
      seen.add(reference.name);
      if (seen.size > MAX_REFERENCES) throw new AvroSchemaError(`more than ${MAX_REFERENCES} references`);
      if (found.schemaType !== 'AVRO') throw new AvroSchemaError(`"${reference.name}" is no Avro schema`);
      for (const further of found.references) visit(further);
      texts.push(found.schema);
      return resolved;
    };
    return { references: references.map(visit), texts };
  }

  #referred({ subject, version }: SchemaReference, isNew: boolean): StoredSchema {
    const found = version === LATEST ? this.#store.latest(subject) : this.#store.version(subject, version);
    if (found === null || (isNew && found.deleted))
      throw new AvroSchemaError(`No schema reference found for subject "${subject}" and version ${version}`);
    return found;
  }
}

function describe({ schema, schemaType, references }: SchemaRequest): string {
  const told = references.map(
    ({ name, subject, version }) => `{name='${name}', subject='${subject}', version=${version}}`,
  );
  return `${schema} with refs [${told.join(', ')}] of type ${schemaType}`;
}
