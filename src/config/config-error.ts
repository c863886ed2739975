/** @pure What is wrong with a configuration: every problem at once, each with where it comes from. */

/**
 * A value somebody supplied, and where: `config/server.properties:12`, `environment variable KAFKA_BROKER_ID`,
 * `--override`.
 */
export interface Setting {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

export interface ConfigProblem {
  readonly key: string;
  /** null when nobody supplied the key; hidden when it may be a secret. */
  readonly value: string | null;
  readonly origin: string | null;
  /** In Kafka's words where Kafka has words for it. */
  readonly message: string;
}

/** Stops the start of a broker; its message names every problem and is meant to be printed as it is. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(formatProblems(problems));
    this.problems = problems;
  }
}

function formatProblems(problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const lines = [`The configuration has ${count}:`];
  for (const { key, value, origin, message } of problems) {
    const where = origin === null ? '' : `  (${origin})`;
    lines.push(`  ${value === null ? key : `${key}=${value}`}${where}`, `    ${message}`);
  }
  return lines.join('\n');
}
