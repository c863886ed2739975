/**
 * Whether one log is in service, and who may take it out: the directory it lives in, damage that is found in it, its
 * deletion.
 */
import { KafkaError } from '../protocol/errors.ts';
import type { LogDirectory } from './log-directory.ts';
import { DamagedLogError } from './segment.ts';

export class LogGuard {
  readonly #name: string;
  readonly #directory: LogDirectory;
  readonly #onFailed: (error: KafkaError) => void;
  #failure: KafkaError | null = null;

  /** `onFailed` hears of what befalls this log alone; of the directory's failures the directory tells. */
  constructor(name: string, directory: LogDirectory, onFailed: (error: KafkaError) => void) {
    this.#name = name;
    this.#directory = directory;
    this.#onFailed = onFailed;
  }

  /** Why the log is out of service; null while it is in service. */
  get failure(): KafkaError | null {
    return this.#failure ?? this.#directory.failure;
  }

  assertOnline(): void {
    const { failure } = this;
    if (failure !== null) throw failure;
  }

  /** Runs what touches the disk. Its errors take the log or the directory out of service, before they are thrown. */
  run<T>(what: string, operation: () => T): T {
    this.assertOnline();
    try {
      return this.#directory.guard(`Error while ${what} ${this.#name}`, operation);
    } catch (error) {
      throw this.#judge(error);
    }
  }

  async whenRun<T>(what: string, operation: () => Promise<T>): Promise<T> {
    this.assertOnline();
    try {
      return await this.#directory.whenGuarded(`Error while ${what} ${this.#name}`, async () => {
        try {
          return await operation();
        } catch (error) {
          // Given up meanwhile: that its files are not where they were says nothing of the disk.
          throw this.#failure ?? error;
        }
      });
    } catch (error) {
      throw this.#judge(error);
    }
  }

  takeOut(error: KafkaError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#onFailed(error);
  }

  /** The log was deleted: whatever still touches its files fails with this, and the directory goes on. */
  giveUp(error: KafkaError): void {
    this.#failure ??= error;
  }

  /** Damage takes this log out of service, not the others of the disk. */
  #judge(error: unknown): unknown {
    if (!(error instanceof DamagedLogError)) return error;
    this.takeOut(damageError(this.#name, error));
    return this.#failure;
  }
}

/** What everybody gets who asks for a log that was found damaged. */
export function damageError(name: string, error: DamagedLogError): KafkaError {
  const advice = 'It stays out of service; remove its directory to have it fetched anew from the other replicas.';
  return new KafkaError('KAFKA_STORAGE_ERROR', `The log of ${name} is damaged: ${error.message}. ${advice}`, {
    cause: error,
  });
}
