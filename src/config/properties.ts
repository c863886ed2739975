/**
 * @pure Java's .properties grammar: `=`, `:` or blank between key and value, `#` and `!` comments, `\` continuation
 * lines, `\t \n \r \f \uXXXX` escapes; blanks before a value are dropped, those after it are kept.
 *
 * Guarantees: entries come in file order with the number of their first line (from 1), duplicates included.
 * Beyond Java: the text is UTF-8, not Latin-1 (the caller decodes it).
 */
export interface PropertyEntry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** Thrown for the one thing Java refuses: a `\u` without four hexadecimal digits. */
export class MalformedProperties extends Error {
  readonly line: number;
  constructor(line: number) {
    super('Malformed \\uxxxx encoding.');
    this.line = line;
  }
}

export function parseProperties(text: string): PropertyEntry[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const entries: PropertyEntry[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let logical = trimStart(lines[index] ?? '');
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue;
    while (endsWithContinuation(logical)) {
      index++;
      logical = logical.slice(0, -1) + trimStart(lines[index] ?? '');
      if (index >= lines.length) break;
    }
    const split = splitAt(logical);
    entries.push({
      key: unescaped(logical.slice(0, split.keyEnd), line),
      value: unescaped(logical.slice(split.valueStart), line),
      line,
    });
  }
  return entries;
}

/** Java's blanks in properties: space, tab and form feed. */
function trimStart(line: string): string {
  return line.replace(/^[ \t\f]+/, '');
}

function endsWithContinuation(line: string): boolean {
  const backslashes = /\\*$/.exec(line)?.[0].length ?? 0;
  return backslashes % 2 === 1;
}

/** Where the key ends and the value begins: at the first unescaped blank, `=` or `:`, blanks around it skipped. */
function splitAt(logical: string): { keyEnd: number; valueStart: number } {
  let keyEnd = 0;
  while (keyEnd < logical.length && !/[ \t\f=:]/.test(logical[keyEnd] ?? ''))
    keyEnd += logical[keyEnd] === '\\' ? 2 : 1;
  keyEnd = Math.min(keyEnd, logical.length);
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(logical.slice(keyEnd))?.[0].length ?? 0;
  return { keyEnd, valueStart: keyEnd + separator };
}

const ESCAPES = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
]);

function unescaped(text: string, line: number): string {
  return text.replace(/\\(u(?:[0-9a-fA-F]{4})?|.|$)/gsu, (_, escaped: string) => {
    if (escaped === 'u') throw new MalformedProperties(line);
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return ESCAPES.get(escaped) ?? escaped;
  });
}
