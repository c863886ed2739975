/**
 * @pure What a server that has died said of the reason: the last errors of its output, each with the lines that belong
 * to it. Its other lines tell how it did before and are left in the log.
 */
const MAX_LINES = 15;
/** Without an error: enough for the complaint of a program that never came to its log. */
const LINES_WITHOUT_ERROR = 3;

/** `[2026-01-31 12:00:00,000] ERROR …` of a broker, `[2026-01-31 12:00:00,000] [main] ERROR …` of ZooKeeper. */
const LOG_LINE = /^\[\d{4}-\d\d-\d\d [^\]]*\] (?:\[[^\]]*\] )?([A-Z]+) /;
/** How Node itself ends when memory is over. */
const NODE_FATAL = /^FATAL ERROR: /;
const ERROR_LEVELS: ReadonlySet<string> = new Set(['ERROR', 'FATAL']);

/** @param lines the end of its output, oldest line first */
export function lastWords(lines: readonly string[]): string[] {
  if (!lines.some((line) => LOG_LINE.test(line) || NODE_FATAL.test(line)))
    return lines.filter((line) => line.trim() !== '').slice(-LINES_WITHOUT_ERROR);
  const words: string[] = [];
  for (const error of errorsOf(lines).reverse()) {
    if (words.length > 0 && words.length + error.length > MAX_LINES) break;
    words.unshift(...error.slice(0, MAX_LINES));
  }
  return words;
}

/** Each error as its line and those that follow it up to the next line of the log. */
function errorsOf(lines: readonly string[]): string[][] {
  const errors: string[][] = [];
  let current: string[] | null = null;
  for (const line of lines) {
    const level = NODE_FATAL.test(line) ? 'FATAL' : LOG_LINE.exec(line)?.[1];
    if (level === undefined) current?.push(line);
    else if (ERROR_LEVELS.has(level)) {
      current = [line];
      errors.push(current);
    } else current = null;
  }
  return errors;
}
