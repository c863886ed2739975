/** @pure Bodies of requests that are JSON. */
import { JsonError, type JsonValue, parseJson, parsePlainJson } from '../registry/json-text.ts';
import { refusedBody } from './rest-errors.ts';

/** Read so that no digit of it is lost. @throws RestError 400 for what is no JSON */
export function parseJsonBody(body: string): JsonValue {
  return inWords(() => parseJson(body, { allowsComments: false }));
}

/** Read as JavaScript does it. @throws RestError 400 for what is no JSON */
export function parsePlainBody(body: string): unknown {
  return inWords(() => parsePlainJson(body));
}

function inWords<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw refusedBody(`Malformed JSON: ${error.message}`);
  }
}
