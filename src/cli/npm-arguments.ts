/**
 * @pure Arguments that npm kept for itself. `npm start --brokers 1` gives its script only the `1`, and
 * `npm start --brokers=1` nothing at all: without a `--` of its own npm takes options for its own configuration, which
 * it hands over as npm_config_… variables. What was asked for would be left out without a word.
 */

/** What to say to somebody whose options did not arrive; null when nothing was lost. */
export function lostToNpm(
  names: readonly string[],
  rest: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  const kept = names.filter((name) => environment[`npm_config_${name.replaceAll('-', '_')}`] !== undefined);
  if (kept.length > 0) {
    const options = kept.map((name) => `--${name}`);
    const again = options.map((option) => `${option} …`).join(' ');
    return `npm has kept ${options.join(', ')} for itself. Options go after a --, as in: npm start -- ${again}`;
  }
  return rest.length === 0 ? null : `Not an option: ${rest.join(' ')}`;
}
