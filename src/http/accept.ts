/** @pure Which content type an answer may have, by what the client says in its Accept header (RFC 9110, 12.5.1). */

interface Range {
  readonly type: string;
  /** 0 for "not this one", up to 1. */
  readonly weight: number;
}

/**
 * Of the types that are offered the one that the client likes best; of equals the first. Null when it takes none of
 * them. A client that does not say takes any.
 */
export function acceptedType(header: string | undefined, offered: readonly string[]): string | null {
  const ranges = (header ?? '').split(',').flatMap(rangeOf);
  if (ranges.length === 0) return offered[0] ?? null;
  let best: Range | null = null;
  for (const type of offered) {
    const weight = weightOf(type, ranges);
    if (weight > (best?.weight ?? 0)) best = { type, weight };
  }
  return best?.type ?? null;
}

function rangeOf(written: string): Range[] {
  const [type = '', ...parameters] = written.split(';').map((part) => part.trim().toLowerCase());
  if (type === '') return [];
  const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
  // A lone star is what Java's HttpURLConnection sends.
  return [{ type: type === '*' ? '*/*' : type, weight: Number.isNaN(weight) ? 1 : weight }];
}

/** That of the range which names the type most closely. */
function weightOf(type: string, ranges: readonly Range[]): number {
  const family = `${type.split('/')[0]}/*`;
  for (const name of [type, family, '*/*']) {
    const found = ranges.find((range) => range.type === name);
    if (found !== undefined) return found.weight;
  }
  return 0;
}
