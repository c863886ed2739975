/** @pure What the Schema Registry answers, in the members and the order that Confluent's has. */
import type { RegistryConfig, StoredSchema } from '../registry/registry-record.ts';

type Json = { readonly [name: string]: unknown };

/** A version of a subject. The type is told when it is not AVRO. */
export function versionAnswer(stored: StoredSchema, schema: string): Json {
  const { subject, version, id } = stored;
  return { subject, version, id, ...schemaAnswer(stored, schema) };
}

/** A schema without the place where it is registered. */
export function schemaAnswer({ schemaType, references, extras }: StoredSchema, schema: string): Json {
  return {
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
    ...member('metadata', extras.get('metadata')),
    ...member('ruleSet', extras.get('ruleSet')),
    schema,
  };
}

/** GET and DELETE speak of a level … */
export function configAnswer({ compatibilityLevel, ...others }: RegistryConfig): Json {
  return { ...othersAnswer(others), ...member('compatibilityLevel', compatibilityLevel) };
}

/** … and PUT of a compatibility. */
export function configChangeAnswer({ compatibilityLevel, ...others }: RegistryConfig): Json {
  return { ...othersAnswer(others), ...member('compatibility', compatibilityLevel) };
}

function othersAnswer({ normalize, compatibilityGroup }: Omit<RegistryConfig, 'compatibilityLevel'>): Json {
  return { ...member('normalize', normalize), ...member('compatibilityGroup', compatibilityGroup) };
}

function member(name: string, value: unknown): Json {
  return value === undefined || value === null ? {} : { [name]: value };
}
