/**
 * Up to where each log of a directory was compacted (Kafka's cleaner-offset-checkpoint). Written when a compaction has
 * ended. It must not be above what is clean: so it is lowered, before the function returns, when a log is cut below it.
 */
import * as path from 'node:path';
import { CLEANER_OFFSET_CHECKPOINT, encodeOffsets, type OffsetEntry } from './checkpoint-file.ts';
import type { LogDirectory } from './log-directory.ts';

export interface CleanedLog {
  readonly topic: string;
  readonly partition: number;
}

export class CleanerCheckpoint {
  readonly #directory: LogDirectory;
  readonly #entries = new Map<string, OffsetEntry>();
  #flush: Promise<void> | null = null;

  /** `entries` as the file has them, of logs that are there. */
  constructor(directory: LogDirectory, entries: readonly OffsetEntry[]) {
    this.#directory = directory;
    for (const entry of entries) this.#entries.set(keyOf(entry), entry);
  }

  /** The first offset that no compaction has seen; undefined when there was none. */
  offsetOf(log: CleanedLog): number | undefined {
    return this.#entries.get(keyOf(log))?.offset;
  }

  /** Resolves when it is on disk. */
  onCleaned(log: CleanedLog, offset: number): Promise<void> {
    this.#set(log, offset);
    return this.#whenWritten();
  }

  onTruncated(log: CleanedLog, endOffset: number): void {
    if ((this.offsetOf(log) ?? 0) <= endOffset) return;
    this.#set(log, endOffset);
    this.#directory.services.disk.replaceFile(this.#path, this.#text());
  }

  /** The log is given up: one that gets its name has not been compacted. */
  forget(log: CleanedLog): void {
    if (!this.#entries.delete(keyOf(log)) || this.#directory.isOffline) return;
    this.#whenWritten().catch((error: unknown) =>
      this.#directory.services.logger.warn(`Could not write ${this.#path}`, error),
    );
  }

  #set({ topic, partition }: CleanedLog, offset: number): void {
    this.#entries.set(keyOf({ topic, partition }), { topic, partition, offset });
  }

  get #path(): string {
    return path.join(this.#directory.path, CLEANER_OFFSET_CHECKPOINT);
  }

  #text(): string {
    return encodeOffsets([...this.#entries.values()]);
  }

  /** One writing at a time; it goes on until the file has what is known now. */
  #whenWritten(): Promise<void> {
    this.#flush ??= this.#write().finally(() => {
      this.#flush = null;
    });
    return this.#flush;
  }

  async #write(): Promise<void> {
    await this.#directory.whenGuarded(`Writing ${CLEANER_OFFSET_CHECKPOINT}`, async () => {
      const { disk } = this.#directory.services;
      const next = `${this.#path}.next`;
      let text: string;
      do {
        do {
          text = this.#text();
          await disk.whenWritten(next, text);
        } while (text !== this.#text());
        disk.rename(next, this.#path);
        await disk.whenSynced(this.#directory.path);
      } while (text !== this.#text());
    });
  }
}

function keyOf({ topic, partition }: CleanedLog): string {
  return `${topic}-${partition}`;
}
