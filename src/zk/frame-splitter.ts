/**
 * @pure Cuts a stream of bytes into ZooKeeper's frames (4 bytes of length, then the body). One per TCP connection: a
 * frame that a broken connection left unfinished ends with it. Each byte is copied at most once, however large the
 * frame.
 */
const LENGTH_BYTES = 4;

export class FrameSplitter {
  readonly #maxFrameBytes: number;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  /** Length of the frame that is being collected, with its length field; 0 while that is unknown. */
  #frameBytes = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * The frames that this chunk completes, each with its length field. They may alias the chunk.
   * @throws RangeError for a length that no server would send; the stream cannot be used any further.
   */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    for (;;) {
      if (this.#frameBytes === 0) {
        if (this.#bufferedBytes < LENGTH_BYTES) return;
        const length = this.#join().readInt32BE(0);
        if (length < 0 || length > this.#maxFrameBytes) throw new RangeError(`frame of ${length} bytes`);
        this.#frameBytes = LENGTH_BYTES + length;
      }
      if (this.#bufferedBytes < this.#frameBytes) return;
      const joined = this.#join();
      const frame = joined.subarray(0, this.#frameBytes);
      const rest = joined.subarray(this.#frameBytes);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#bufferedBytes = rest.length;
      this.#frameBytes = 0;
      yield frame;
    }
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const joined = Buffer.concat(this.#chunks, this.#bufferedBytes);
    this.#chunks = [joined];
    return joined;
  }
}
