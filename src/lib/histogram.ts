/**
 * @pure How values are spread, in constant memory: log-linear buckets of at most 6 % width, so that recording is one
 * addition and makes no garbage. Quantiles are those of the last one to two windows, `count` and `sum` of all time.
 *
 * The buckets are made when the first value comes: a histogram that nobody uses costs a few words.
 */
const SUB_BITS = 4;
const SUB_COUNT = 1 << SUB_BITS;
const MAX_UNITS = 0x7fff_ffff;
const BUCKET_COUNT = (31 - SUB_BITS + 1) * SUB_COUNT;
const WINDOW_MS = 60_000;

export class Histogram {
  readonly #unitsPerValue: number;
  #now: Uint32Array | null = null;
  #before: Uint32Array | null = null;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #count = 0;
  #sum = 0;

  /** @param unitsPerValue resolution: 1000 for milliseconds that matter to the microsecond, 1 for bytes */
  constructor(unitsPerValue = 1000) {
    this.#unitsPerValue = unitsPerValue;
  }

  /** Values recorded in all time. */
  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Values below 0 count as 0. */
  record(value: number): void {
    this.#now ??= new Uint32Array(BUCKET_COUNT);
    const units = value * this.#unitsPerValue;
    const bucket = bucketOf(units > 0 ? (units < MAX_UNITS ? Math.trunc(units) : MAX_UNITS) : 0);
    this.#now[bucket] = (this.#now[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += value;
  }

  /**
   * The values below which the given shares (0 to 1, ascending) of the recent ones lie; 0 when there is none.
   * @param nowMs monotonic; windows end by it, when they are asked for
   */
  quantiles(shares: readonly number[], nowMs: number): number[] {
    this.#rotate(nowMs);
    const total = sumOf(this.#now) + sumOf(this.#before);
    if (total === 0) return shares.map(() => 0);
    const found: number[] = [];
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT && found.length < shares.length; bucket++) {
      seen += (this.#now?.[bucket] ?? 0) + (this.#before?.[bucket] ?? 0);
      while (found.length < shares.length && seen >= Math.max(1, (shares[found.length] ?? 1) * total))
        found.push(middleOf(bucket) / this.#unitsPerValue);
    }
    return found;
  }

  #rotate(nowMs: number): void {
    const ageMs = nowMs - this.#windowStartMs;
    if (ageMs < WINDOW_MS) return;
    // The first time, and after a long silence of those who ask, the window is as long as it is.
    const spare = this.#before;
    this.#before = this.#now;
    this.#now = spare?.fill(0) ?? null;
    this.#windowStartMs = nowMs;
  }
}

/** Exact below 16; from there on 16 buckets for each power of two. */
function bucketOf(units: number): number {
  if (units < SUB_COUNT) return units;
  const exponent = 31 - Math.clz32(units);
  return ((exponent - SUB_BITS + 1) << SUB_BITS) + ((units >>> (exponent - SUB_BITS)) & (SUB_COUNT - 1));
}

function middleOf(bucket: number): number {
  if (bucket < SUB_COUNT) return bucket;
  const shift = (bucket >>> SUB_BITS) - 1;
  const width = 2 ** shift;
  return (SUB_COUNT + (bucket & (SUB_COUNT - 1))) * width + (width - 1) / 2;
}

function sumOf(buckets: Uint32Array | null): number {
  let sum = 0;
  for (const count of buckets ?? []) sum += count;
  return sum;
}
