/** @pure The body of a request to produce, read so that no digit of it is lost. */
import { JsonError, type JsonValue, parseJson } from '../registry/json-text.ts';
import { refusedBody } from './rest-errors.ts';

/** @throws RestError 400 for what is no JSON */
export function parseJsonBody(body: string): JsonValue {
  try {
    return parseJson(body, { allowsComments: false });
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw refusedBody(`Malformed JSON: ${error.message}`);
  }
}
