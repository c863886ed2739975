/**
 * Checks of what only our own code could have broken. A failed check is a programmer's error: the process ends (exit
 * 70) and recovery takes over. Bytes from outside must never reach one; they are refused with a KafkaError or a
 * RangeError.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === 'string' ? message : message());
}

/** The default branch of an exhaustive switch: the type checker refuses the call while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
