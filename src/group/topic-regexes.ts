/**
 * @pure Subscriptions by regular expression: RE2's language, which takes time linear in the topic's name whatever the
 * expression is, so that no member can stop the broker. An expression matches a topic as a whole.
 *
 * Kafka: TopicRegexResolver, com.google.re2j.
 */
import { RE2JS, RE2JSException } from 're2js';

/** Compiled expressions that are kept: those used last. */
const MAX_COMPILED = 256;
/** Part of the key of a stored record, which is a string of at most this many bytes. */
const MAX_REGEX_BYTES = 0x7fff;

export class TopicRegexes {
  readonly #compiled = new Map<string, RE2JS>();

  /** What is wrong with the expression; null when it may be used. */
  problem(regex: string): string | null {
    if (Buffer.byteLength(regex) > MAX_REGEX_BYTES) return 'expression too long';
    const compiled = this.#compile(regex);
    return typeof compiled === 'string' ? compiled : null;
  }

  /** The topics that the expression matches; none when it is not valid. */
  resolve(regex: string, topicNames: Iterable<string>): ReadonlySet<string> {
    const compiled = this.#compile(regex);
    const topics = new Set<string>();
    if (typeof compiled === 'string') return topics;
    for (const topic of topicNames) if (compiled.testExact(topic)) topics.add(topic);
    return topics;
  }

  /** A string is what is wrong with the expression. */
  #compile(regex: string): RE2JS | string {
    const known = this.#compiled.get(regex);
    if (known !== undefined) {
      this.#compiled.delete(regex);
      this.#compiled.set(regex, known);
      return known;
    }
    try {
      const compiled = RE2JS.compile(regex);
      this.#keep(regex, compiled);
      return compiled;
    } catch (error) {
      if (error instanceof RE2JSException) return error.message;
      // Nested too deeply for the parser's recursion.
      if (error instanceof RangeError) return 'expression too complex';
      throw error;
    }
  }

  #keep(regex: string, compiled: RE2JS): void {
    this.#compiled.set(regex, compiled);
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > MAX_COMPILED && oldest !== undefined) this.#compiled.delete(oldest);
  }
}
