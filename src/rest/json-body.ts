/** @pure Bodies of requests that are JSON. */
import { JsonError, type JsonValue, parseJson, parseJsonInSteps, parsePlainJson } from '../registry/json-text.ts';
import { refusedBody } from './rest-errors.ts';

/** Read so that no digit of it is lost. @throws RestError 400 for what is no JSON */
export function parseJsonBody(body: string): JsonValue {
  return inWords(() => parseJson(body, { allowsComments: false }));
}

/** The same with pauses for others. Gives how many values it has read so far. */
export function* parseJsonBodyInSteps(body: string): Generator<number, JsonValue, undefined> {
  try {
    return yield* parseJsonInSteps(body);
  } catch (error) {
    throw refusalOf(error);
  }
}

/** Read as JavaScript does it. @throws RestError 400 for what is no JSON */
export function parsePlainBody(body: string): unknown {
  return inWords(() => parsePlainJson(body));
}

function inWords<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): unknown {
  return error instanceof JsonError ? refusedBody(`Malformed JSON: ${error.message}`) : error;
}
