/**
 * @pure What a server that has died said of the reason: the last errors of its log with the lines that belong to
 * them. Its other lines tell how it did before and are left in the log.
 */
const MAX_LINES = 15;
/** Without an error: enough for the complaint of a program that never came to its log. */
const LINES_WITHOUT_ERROR = 3;

/** `[2026-01-31 12:00:00,000] ERROR …` of a broker, `[2026-01-31 12:00:00,000] [main] ERROR …` of ZooKeeper. */
const LOG_LINE = /^\[\d{4}-\d\d-\d\d [^\]]*\] (?:\[[^\]]*\] )?([A-Z]+) /;
const ERROR_LEVELS: ReadonlySet<string> = new Set(['ERROR', 'FATAL']);

/** @param lines the end of its output, oldest line first */
export function lastWords(lines: readonly string[]): string[] {
  const errors: string[] = [];
  let belongsToError = false;
  for (const line of lines) {
    const level = LOG_LINE.exec(line)?.[1];
    if (level !== undefined) belongsToError = ERROR_LEVELS.has(level);
    if (belongsToError) errors.push(line);
  }
  if (errors.length > 0) return errors.slice(-MAX_LINES);
  const plain = lines.filter((line) => !LOG_LINE.test(line) && line.trim() !== '');
  return plain.slice(-LINES_WITHOUT_ERROR);
}
