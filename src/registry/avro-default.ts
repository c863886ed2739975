/**
 * @pure Whether a JSON value is a default of a type, by the rules of Avro Java (Schema.isValidDefault): a union takes
 * the default of any of its branches, a string stands for bytes, fixed and enum whatever it says.
 *
 * Guarantees: ends after a bounded number of steps, where Java may not end at all: defaults may go round in circles,
 * and unions within unions can be tried in more ways than there is time. What takes longer is no default.
 */
import type { AvroNode, RecordNode } from './avro-node.ts';
import { isJsonArray, isJsonObject, JsonNumber, type JsonObject, type JsonValue } from './json-text.ts';

const MAX_STEPS = 200_000;
const MAX_DEPTH = 1000;

export function isValidDefault(node: AvroNode, value: JsonValue): boolean {
  return new DefaultCheck().fits(node, value, 0);
}

class DefaultCheck {
  #steps = 0;

  fits(node: AvroNode, value: JsonValue, depth: number): boolean {
    if (++this.#steps > MAX_STEPS || depth > MAX_DEPTH) return false;
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
        return isJsonArray(value) && value.every((element) => this.fits(node.items, element, depth + 1));
      case 'map':
        return (
          isJsonObject(value) && [...value.values()].every((element) => this.fits(node.values, element, depth + 1))
        );
      case 'union':
        return node.branches.some((branch) => this.fits(branch, value, depth + 1));
      case 'record':
        return isJsonObject(value) && this.#fitsRecord(node, value, depth);
    }
  }

  /** What the value leaves out has to have a default of its own. */
  #fitsRecord(node: RecordNode, value: JsonObject, depth: number): boolean {
    return node.fields.every(({ name, type, defaultValue }) => {
      const given = value.has(name) ? value.get(name) : defaultValue;
      return given !== undefined && this.fits(type, given, depth + 1);
    });
  }
}
