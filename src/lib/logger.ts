/** What the rooms know of logging. The real one (pino, printing Kafka's line format) is made in compose.ts. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
  /** The same logger under another name, as Kafka's loggers have (kafka.controller, state.change.logger …). */
  named(name: string): Logger;
}

/** Says nothing: for tests and tools. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  named: () => silentLogger,
};
