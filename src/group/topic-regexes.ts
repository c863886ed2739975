/**
 * @pure Subscriptions by regular expression: RE2's language, which takes time linear in the topic's name whatever the
 * expression is. It is linear in the expression, too, and that may be long: so whoever takes too long for all topics is
 * given up, and no member can stop the broker. An expression matches a topic as a whole.
 *
 * Kafka: TopicRegexResolver, com.google.re2j.
 */
import { RE2JS, RE2JSException } from 're2js';

/** Compiled expressions that are kept: those used last, and of the large ones only the very last. */
const MAX_COMPILED = 64;
/** Instructions; with what it remembers of its searches, such an expression takes some megabytes. */
const MAX_KEPT_SIZE = 1000;
/** All topics are looked at in one turn: this is how long others wait for one expression, and one topic's time more. */
const PATIENCE_MS = 250;
/** Besides; ten times what an expression takes that is meant well. */
const PATIENCE_PER_TOPIC_MS = 0.05;
/** Part of the key of a stored record, which is a string of at most this many bytes. */
const MAX_REGEX_BYTES = 0x7fff;

export class TopicRegexes {
  readonly #monotonicMs: () => number;
  readonly #compiled = new Map<string, RE2JS>();
  #large: { readonly regex: string; readonly compiled: RE2JS } | null = null;

  /** Time serves for nothing but to give up; without it nothing is. */
  constructor(monotonicMs: () => number = () => 0) {
    this.#monotonicMs = monotonicMs;
  }

  /** What is wrong with the expression; null when it may be used. */
  problem(regex: string): string | null {
    if (Buffer.byteLength(regex) > MAX_REGEX_BYTES) return 'expression too long';
    const compiled = this.#compile(regex);
    return typeof compiled === 'string' ? compiled : null;
  }

  /** To be asked between expressions: whether so much time has passed since that others should have their turn. */
  patience(): () => boolean {
    const untilMs = this.#monotonicMs() + PATIENCE_MS;
    return () => this.#monotonicMs() > untilMs;
  }

  /** The topics that the expression matches, none when it is not valid; null when it takes too long to find out. */
  resolve(regex: string, topicNames: Iterable<string>): ReadonlySet<string> | null {
    const compiled = this.#compile(regex);
    const topics = new Set<string>();
    if (typeof compiled === 'string') return topics;
    let untilMs = this.#monotonicMs() + PATIENCE_MS;
    for (const topic of topicNames) {
      if (compiled.testExact(topic)) topics.add(topic);
      untilMs += PATIENCE_PER_TOPIC_MS;
      if (this.#monotonicMs() > untilMs) return null;
    }
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
    if (this.#large?.regex === regex) return this.#large.compiled;
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
    if (compiled.programSize() > MAX_KEPT_SIZE) {
      this.#large = { regex, compiled };
      return;
    }
    this.#compiled.set(regex, compiled);
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > MAX_COMPILED && oldest !== undefined) this.#compiled.delete(oldest);
  }
}
