/** @pure How much all answers that are being put together, or are on their way, may hold at once. */
export class ReadBudget {
  readonly #maxCharacters: number;
  #characters = 0;

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  get isExhausted(): boolean {
    return this.#characters >= this.#maxCharacters;
  }

  take(characters: number): void {
    this.#characters += characters;
  }

  give(characters: number): void {
    this.#characters -= characters;
  }
}
