/**
 * @pure A schema of a subject as the registry needs it: read with what it refers to, in one form that is stored and
 * compared, in another for those who ask for normal forms, and with every name resolved.
 *
 * Reads what Avro Java reads. avsc, whose schemas these often become in clients, refuses some of it: a default that is
 * not one of a union's first branch, and names that are one but for their namespace in aliases.
 */
import type { AvroNode } from './avro-node.ts';
import { AvroParser, type ParseRules } from './avro-parser.ts';
import { avroText, normalText } from './avro-text.ts';

export class AvroSchema {
  readonly root: AvroNode;
  /** As Java's Schema.toString() writes it, with the names of what it refers to. */
  readonly text: string;
  readonly #referenced: readonly string[];
  #comparable: string | null = null;

  /** References are the texts of what is referred to, each behind those that it refers to itself. */
  constructor(text: string, references: readonly string[], rules: ParseRules) {
    const parser = new AvroParser(rules);
    for (const reference of references) parser.parse(reference);
    this.#referenced = parser.definedNames();
    this.root = parser.parse(text);
    this.text = avroText(this.root, { knownNames: this.#referenced });
  }

  /** Equal for schemas that differ only in the order of properties and aliases and in where their types are defined. */
  get comparable(): string {
    this.#comparable ??= avroText(this.root, { knownNames: [], isSorted: true });
    return this.#comparable;
  }

  /** With the definitions of all that it refers to. */
  get resolvedText(): string {
    return avroText(this.root, { knownNames: [] });
  }

  /** The text to be taken in place of this one when it is to be normalised. */
  get normalText(): string {
    return normalText(this.root, this.#referenced);
  }
}

/** Throws AvroSchemaError. */
export function parseAvroSchema(
  text: string,
  references: readonly string[],
  { isNew, isNormalized }: { readonly isNew: boolean; readonly isNormalized: boolean },
): AvroSchema {
  const schema = new AvroSchema(text, references, { isNew });
  return isNormalized ? new AvroSchema(schema.normalText, references, { isNew }) : schema;
}
