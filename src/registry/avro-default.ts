/**
 * @pure Whether a JSON value is a default of a type, by the rules of Avro Java (Schema.isValidDefault): a union takes
 * the default of any of its branches, a string stands for bytes, fixed and enum whatever it says.
 */
import type { AvroNode, RecordNode } from './avro-node.ts';
import { isJsonArray, isJsonObject, JsonNumber, type JsonObject, type JsonValue } from './json-text.ts';

export function isValidDefault(node: AvroNode, value: JsonValue): boolean {
  switch (node.type) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return value instanceof JsonNumber && value.fitsInBits(32);
    case 'long':
      return value instanceof JsonNumber && value.fitsInBits(64);
    case 'float':
    case 'double':
      return value instanceof JsonNumber;
    case 'string':
    case 'bytes':
    case 'enum':
    case 'fixed':
      return typeof value === 'string';
    case 'array':
      return isJsonArray(value) && value.every((element) => isValidDefault(node.items, element));
    case 'map':
      return isJsonObject(value) && [...value.values()].every((element) => isValidDefault(node.values, element));
    case 'union':
      return node.branches.some((branch) => isValidDefault(branch, value));
    case 'record':
      return isJsonObject(value) && isRecordDefault(node, value);
  }
}

/** What the value leaves out has to have a default of its own. */
function isRecordDefault(node: RecordNode, value: JsonObject): boolean {
  return node.fields.every(({ name, type, defaultValue }) => {
    const given = value.has(name) ? value.get(name) : defaultValue;
    return given !== undefined && isValidDefault(type, given);
  });
}
