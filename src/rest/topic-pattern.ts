/**
 * @pure Topics by a pattern: a regular expression that matches a topic's whole name. RE2's language, which takes time
 * linear in the name; whoever sends it from outside cannot stop the broker with it. The cluster's own topics are left
 * out (Kafka's exclude.internal.topics).
 */
import { RE2JS, RE2JSException } from 're2js';
import { isInternalTopic } from '../model/topic-names.ts';
import { unprocessable } from './rest-errors.ts';

const MAX_LENGTH = 4096;
/** Instructions: all topics are looked at in one turn. */
const MAX_SIZE = 1000;

/** @throws RestError 422 */
export function topicPattern(text: string): (topic: string) => boolean {
  const compiled = compile(text);
  return (topic) => !isInternalTopic(topic) && compiled.testExact(topic);
}

function compile(text: string): RE2JS {
  if (text.length > MAX_LENGTH) throw unprocessable('The topic pattern is too long.');
  try {
    const compiled = RE2JS.compile(text);
    if (compiled.programSize() <= MAX_SIZE) return compiled;
  } catch (error) {
    if (error instanceof RE2JSException) throw unprocessable(`Invalid topic pattern: ${error.message}`);
    // Nested too deeply for the parser's recursion.
    if (!(error instanceof RangeError)) throw error;
  }
  throw unprocessable('The topic pattern is too complex.');
}
