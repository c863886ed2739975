/**
 * @pure Lines of text to records, as Kafka's LineMessageReader does it: `headers⇥key⇥value`, each part only when
 * asked for.
 * Guarantees: refusals have Kafka's words and the number of the line.
 */
import type { RecordHeader } from '../protocol/records/build.ts';
import { CommandError } from './command.ts';

export interface LineRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** A line, or a property of the reader, that cannot be understood: a KafkaException in Java. */
export class LineError extends CommandError {
  constructor(message: string) {
    super(`org.apache.kafka.common.KafkaException: ${message}`);
  }
}

export class LineReader {
  readonly #parsesKey: boolean;
  readonly #parsesHeaders: boolean;
  readonly #ignoresErrors: boolean;
  readonly #keySeparator: string;
  readonly #headersDelimiter: string;
  readonly #headersSeparator: string;
  readonly #headersKeySeparator: string;
  readonly #nullMarker: string | null;
  #lineNumber = 0;

  /** @param properties those of --property and --reader-config */
  constructor(properties: ReadonlyMap<string, string>) {
    const isTrue = (key: string): boolean => properties.get(key)?.trim().toLowerCase() === 'true';
    this.#parsesKey = isTrue('parse.key');
    this.#parsesHeaders = isTrue('parse.headers');
    this.#ignoresErrors = isTrue('ignore.error');
    this.#keySeparator = properties.get('key.separator') ?? '\t';
    this.#headersDelimiter = properties.get('headers.delimiter') ?? '\t';
    this.#headersSeparator = properties.get('headers.separator') ?? ',';
    this.#headersKeySeparator = properties.get('headers.key.separator') ?? ':';
    this.#nullMarker = properties.get('null.marker') ?? null;
    this.#checkSeparators();
  }

  #checkSeparators(): void {
    const texts: [name: string, text: string | null][] = [
      ['headers.delimiter', this.#headersDelimiter],
      ['headers.separator', this.#headersSeparator],
      ['headers.key.separator', this.#headersKeySeparator],
      ['null.marker', this.#nullMarker],
      ['key.separator', this.#keySeparator],
    ];
    const text = new Map(texts);
    const mustDiffer: [string, string][] = [
      ['headers.delimiter', 'headers.separator'],
      ['headers.delimiter', 'headers.key.separator'],
      ['headers.separator', 'headers.key.separator'],
      ['null.marker', 'key.separator'],
      ['null.marker', 'headers.separator'],
      ['null.marker', 'headers.delimiter'],
      ['null.marker', 'headers.key.separator'],
    ];
    for (const [a, b] of mustDiffer)
      if (text.get(a) === text.get(b)) throw new LineError(`${a} and ${b} may not be equal`);
  }

  /** @throws LineError */
  read(line: string): LineRecord {
    this.#lineNumber++;
    const headers = this.#parsesHeaders ? this.#upTo(line, 0, this.#headersDelimiter, 'headers delimiter') : null;
    const keyStart = headers === null ? 0 : headers.length + this.#headersDelimiter.length;
    const key = this.#parsesKey ? this.#upTo(line, keyStart, this.#keySeparator, 'key separator') : null;
    const valueStart = keyStart + (key === null ? 0 : key.length + this.#keySeparator.length);
    return {
      key: key === null ? null : this.#bytes(key),
      value: this.#bytes(line.slice(valueStart)),
      headers: headers === null || headers === this.#nullMarker ? [] : this.#splitHeaders(headers),
    };
  }

  #upTo(line: string, start: number, separator: string, name: string): string | null {
    const end = line.indexOf(separator, start);
    if (end >= 0) return line.slice(start, end);
    if (this.#ignoresErrors) return null;
    throw new LineError(`No ${name} found on line number ${this.#lineNumber}: '${line}'`);
  }

  #splitHeaders(text: string): RecordHeader[] {
    const pairs = text.split(this.#headersSeparator);
    // As Java's split, which drops empty texts at the end.
    while (pairs.length > 1 && pairs.at(-1) === '') pairs.pop();
    return pairs.map((pair) => {
      const at = pair.indexOf(this.#headersKeySeparator);
      if (at < 0) {
        if (this.#ignoresErrors) return { key: pair, value: null };
        throw new LineError(`No header key separator found in pair '${pair}' on line number ${this.#lineNumber}`);
      }
      const key = pair.slice(0, at);
      if (key === this.#nullMarker)
        throw new LineError(`Header keys should not be equal to the null marker '${key}' as they can't be null`);
      return { key, value: this.#bytes(pair.slice(at + this.#headersKeySeparator.length)) };
    });
  }

  #bytes(text: string): Buffer | null {
    return text === this.#nullMarker ? null : Buffer.from(text);
  }
}

/** Cuts a stream of text into lines ended by LF, CR LF or CR, as Java's BufferedReader does. */
export class LineSplitter {
  #rest = '';

  /** The lines that have ended. */
  push(text: string): string[] {
    const all = this.#rest + text;
    // A CR at the very end may be half of a CR LF.
    const usable = all.endsWith('\r') ? all.slice(0, -1) : all;
    const lines = usable.split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '') + all.slice(usable.length);
    return lines;
  }

  /** The last line, if the text did not end with one. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? [] : [rest.endsWith('\r') ? rest.slice(0, -1) : rest];
  }
}
