/**
 * @pure What a person means by an interrupt. One Ctrl-C comes twice under npm, from the terminal and from npm itself:
 * signals within a second of the first are one wish, to stop in order. A later one means at once.
 */
const ONE_WISH_MS = 1000;

export class Interrupts {
  #firstMs: number | null = null;

  /** @param monotonicMs when the signal came */
  judge(monotonicMs: number): 'stop' | 'kill' {
    this.#firstMs ??= monotonicMs;
    return monotonicMs - this.#firstMs > ONE_WISH_MS ? 'kill' : 'stop';
  }
}
