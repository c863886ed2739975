/** @pure Ranges of message versions in Kafka's own notation: `3`, `3+`, `0-8`. */
export type Versions = `${number}` | `${number}+` | `${number}-${number}`;

export interface VersionRange {
  readonly lowest: number;
  /** Inclusive; Infinity for `3+`. */
  readonly highest: number;
}

export function versionRange(versions: Versions): VersionRange {
  if (versions.endsWith('+')) return { lowest: Number.parseInt(versions, 10), highest: Number.POSITIVE_INFINITY };
  const [lowest, highest] = versions.split('-').map(Number) as [number, number?];
  return { lowest, highest: highest ?? lowest };
}

/** No range at all means every version. */
export function inRange(versions: Versions | undefined, version: number): boolean {
  if (versions === undefined) return true;
  const { lowest, highest } = versionRange(versions);
  return version >= lowest && version <= highest;
}
