/**
 * @pure The one-shot watches that the servers hold for one session: which path, and which of ZooKeeper's three kinds.
 * After a reconnect they are told to the new server; not, as the client package would do it, in one packet that grows
 * past a megabyte and gets the connection cut for ever, but in pieces, as the Java client does.
 */
export type WatchKind = 'data' | 'exist' | 'child';
export interface WatchChunk {
  readonly data: string[];
  readonly exist: string[];
  readonly child: string[];
}

/** ZooKeeper's WatcherEvent types. */
const NODE_CREATED = 1;
const NODE_DELETED = 2;
const NODE_DATA_CHANGED = 3;
const NODE_CHILDREN_CHANGED = 4;

export class WatchTable {
  readonly #paths: Record<WatchKind, Set<string>> = { data: new Set(), exist: new Set(), child: new Set() };

  get size(): number {
    return this.#paths.data.size + this.#paths.exist.size + this.#paths.child.size;
  }

  arm(kind: WatchKind, path: string): void {
    this.#paths[kind].add(path);
  }

  /**
   * An event ends the watches that it answers. Returns what changed: the znode itself, its list of children, or both.
   */
  fire(eventType: number, path: string): { data: boolean; children: boolean } {
    const { data, exist, child } = this.#paths;
    if (eventType === NODE_CHILDREN_CHANGED) {
      child.delete(path);
      return { data: false, children: true };
    }
    const isData = eventType === NODE_CREATED || eventType === NODE_DELETED || eventType === NODE_DATA_CHANGED;
    if (!isData) return { data: false, children: false };
    data.delete(path);
    exist.delete(path);
    if (eventType === NODE_DELETED) child.delete(path);
    // A list of children that came or went with its znode has changed too.
    return { data: true, children: eventType !== NODE_DATA_CHANGED };
  }

  /** All watches, cut so that no piece has more than about `maxBytes` of paths. */
  *chunks(maxBytes: number): Generator<WatchChunk> {
    let chunk: WatchChunk = { data: [], exist: [], child: [] };
    let bytes = 0;
    for (const kind of ['data', 'exist', 'child'] as const) {
      for (const path of this.#paths[kind]) {
        const pathBytes = 4 + Buffer.byteLength(path);
        if (bytes > 0 && bytes + pathBytes > maxBytes) {
          yield chunk;
          chunk = { data: [], exist: [], child: [] };
          bytes = 0;
        }
        chunk[kind].push(path);
        bytes += pathBytes;
      }
    }
    if (bytes > 0) yield chunk;
  }
}
