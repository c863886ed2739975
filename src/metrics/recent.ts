/** @pure One reading for all the families of a scrape that need it: what is a moment old is not counted again. */
const MAX_AGE_MS = 200;

export function recent<T>(nowMs: () => number, read: () => T): () => T {
  let latest: { readonly value: T; readonly readMs: number } | null = null;
  return () => {
    if (latest === null || nowMs() - latest.readMs > MAX_AGE_MS) latest = { value: read(), readMs: nowMs() };
    return latest.value;
  };
}
