/**
 * @pure Which of a subject's schemas a new one is compared with, in which direction, and what the registry says of it:
 * Confluent's CompatibilityChecker and SchemaValidatorBuilder.
 */
import type { AvroSchema } from './avro-schema.ts';
import { IncomparableError, differences, differenceText } from './compatibility.ts';

export const COMPATIBILITY_LEVELS = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const;
export type CompatibilityLevel = (typeof COMPATIBILITY_LEVELS)[number];

export interface EarlierSchema {
  readonly version: number;
  readonly schema: AvroSchema;
}

const MAX_SCHEMA_IN_MESSAGE = 10 * 1024;

/** In any case of letters; null when it is none. */
export function compatibilityLevel(text: string): CompatibilityLevel | null {
  const upper = text.toUpperCase();
  return COMPATIBILITY_LEVELS.find((level) => level === upper) ?? null;
}

/**
 * Empty when the schema may follow the earlier ones, which come in the order of their versions. Else what stands
 * against the newest of those that it does not go with.
 */
export function incompatibilities(
  level: CompatibilityLevel,
  candidate: AvroSchema,
  earlier: readonly EarlierSchema[],
): string[] {
  if (level === 'NONE') return [];
  const isTransitive = level.endsWith('_TRANSITIVE');
  const compared = isTransitive ? earlier.toReversed() : earlier.slice(-1);
  for (const existing of compared) {
    const messages = messagesAgainst(level, candidate, existing);
    if (messages.length > 0) return [...messages, `{validateFields: 'false', compatibility: '${level}'}`];
  }
  return [];
}

function messagesAgainst(level: CompatibilityLevel, candidate: AvroSchema, existing: EarlierSchema): string[] {
  const backward = (): string[] => withSchema(messages(candidate, existing.schema, 'new', 'old'), existing);
  const forward = (): string[] => messages(existing.schema, candidate, 'old', 'new');
  if (level.startsWith('BACKWARD')) return backward();
  if (level.startsWith('FORWARD')) return withSchema(forward(), existing);
  return [...forward(), ...backward()];
}

function messages(reader: AvroSchema, writer: AvroSchema, readerName: string, writerName: string): string[] {
  try {
    return differences(reader.root, writer.root).map((difference) =>
      differenceText(difference, readerName, writerName),
    );
  } catch (error) {
    if (!(error instanceof IncomparableError)) throw error;
    return [`Unexpected exception during compatibility check: ${error.message}`];
  }
}

function withSchema(found: readonly string[], { version, schema }: EarlierSchema): string[] {
  if (found.length === 0) return [];
  const { text } = schema;
  const told =
    text.length <= MAX_SCHEMA_IN_MESSAGE
      ? `{oldSchema: '${text}'}`
      : `{oldSchema: <truncated> '${text.slice(0, MAX_SCHEMA_IN_MESSAGE)}...'}`;
  return [...found, `{oldSchemaVersion: ${version}}`, told];
}
