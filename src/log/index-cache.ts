/**
 * Bounds the memory of indexes: of those that were brought back whole, the ones used last stay, the others are left to
 * their files again.
 */
export interface IndexOwner {
  /** Leaves to the files what is in them. */
  shrinkIndexes(): void;
}

const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024;

export class IndexCache {
  readonly #limitBytes: number;
  /** Least recently used first. */
  readonly #sizes = new Map<IndexOwner, number>();
  #totalBytes = 0;

  constructor(limitBytes = DEFAULT_LIMIT_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /** The owner's indexes were just used and take so many bytes. */
  onUsed(owner: IndexOwner, sizeBytes: number): void {
    this.forget(owner);
    this.#sizes.set(owner, sizeBytes);
    this.#totalBytes += sizeBytes;
    for (const [oldest] of this.#sizes) {
      if (this.#totalBytes <= this.#limitBytes || oldest === owner) break;
      this.forget(oldest);
      oldest.shrinkIndexes();
    }
  }

  forget(owner: IndexOwner): void {
    this.#totalBytes -= this.#sizes.get(owner) ?? 0;
    this.#sizes.delete(owner);
  }
}
