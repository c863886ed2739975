/**
 * @pure So much of something that all clients share, bytes in memory for one. Whoever gets none does without.
 *
 * Guarantee: one client alone never has more than three quarters of it; it keeps nobody else out.
 */
const LARGEST_SHARE = 3 / 4;

/** What there is for one client. */
export interface ClientRoom {
  /** False when there is not so much left for the client; then nothing is taken. */
  take(amount: number): boolean;
  /** What was taken. */
  give(amount: number): void;
}

export class SharedRoom {
  readonly #size: number;
  readonly #shares = new Map<string, number>();
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get used(): number {
    return this.#used;
  }

  of(client: string): ClientRoom {
    return { take: (amount) => this.#take(client, amount), give: (amount) => this.#give(client, amount) };
  }

  hasRoom(client: string, amount: number): boolean {
    const share = (this.#shares.get(client) ?? 0) + amount;
    return share <= this.#size * LARGEST_SHARE && this.#used + amount <= this.#size;
  }

  #take(client: string, amount: number): boolean {
    if (!this.hasRoom(client, amount)) return false;
    this.#add(client, amount);
    return true;
  }

  #give(client: string, amount: number): void {
    this.#add(client, -amount);
  }

  #add(client: string, amount: number): void {
    const share = (this.#shares.get(client) ?? 0) + amount;
    if (share === 0) this.#shares.delete(client);
    else this.#shares.set(client, share);
    this.#used += amount;
  }
}
