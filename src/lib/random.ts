import { randomBytes } from 'node:crypto';

/** Chance as a guest: the only file that may ask the machine for random numbers. */
export interface Random {
  /** A whole number from 0 to bound - 1. */
  int(bound: number): number;
  bytes(length: number): Buffer;
}

export class SystemRandom implements Random {
  int(bound: number): number {
    return Math.floor(Math.random() * bound);
  }

  bytes(length: number): Buffer {
    return randomBytes(length);
  }
}
