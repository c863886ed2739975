/**
 * Sequential notification znodes below one parent (/config/changes …): every broker reads them once, in order, and
 * whoever comes by removes the ones that are too old to matter (Kafka's ZkNodeChangeNotificationListener).
 *
 * A notification only says "read that again". So after a start or a lost session all that are there are processed anew,
 * of many that say the same the last one is enough, and one whose handling fails is logged and passed over.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import { ANY_VERSION, isZooKeeperError, type ZnodeContent, type ZooKeeperOperations } from './operations.ts';
import { sequenceNumber } from './znodes.ts';

/** Kafka's changeExpirationMs: 15 minutes by the writer's clock against the reader's. */
export const NOTIFICATION_EXPIRATION_MS = 15 * 60 * 1000;

export interface NotificationListenerOptions {
  readonly path: string;
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
  onNotification(data: Buffer): void | Promise<void>;
}

interface Notification {
  readonly name: string;
  readonly sequence: number;
}

/** So many are read at once: what is named in them more than once is looked at once. */
const NEW_AT_ONCE = 1000;
/** So many are looked at each time, to see whether they are old. */
const OLD_AT_ONCE = 100;

function* chunks(found: readonly Notification[], size: number): Generator<readonly Notification[]> {
  for (let start = 0; start < found.length; start += size) yield found.slice(start, start + size);
}

export class NotificationListener {
  readonly #zk: ZooKeeperOperations;
  readonly #options: NotificationListenerOptions;
  readonly #queue = new SerialQueue();
  readonly #unwatch: () => void;
  #lastSequence = -1;
  #isClosed = false;

  /** Registers the watch at once; nothing is read before `start`. */
  constructor(zk: ZooKeeperOperations, options: NotificationListenerOptions) {
    this.#zk = zk;
    this.#options = options;
    this.#unwatch = zk.watchChildren(options.path, () => this.#schedule());
  }

  /** Processes what is there. Resolves when that is done; later ones are processed as they come. */
  async start(): Promise<void> {
    await this.#queue.run(() => this.#processAll());
  }

  /** No notification is handed out after this. Resolves when the one in hand is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unwatch();
    await this.#queue.whenIdle();
  }

  #schedule(): void {
    // One run that has not begun will see this change too.
    if (this.#isClosed || this.#queue.length > 1) return;
    this.#queue
      .run(() => this.#processAll())
      .catch((error: unknown) => {
        // A lost session calls the watch again; anything else is worth a line.
        if (!isZooKeeperError(error, 'SESSION_EXPIRED', 'CLOSED'))
          this.#options.logger.error(
            `Error while processing notification change for path = ${this.#options.path}`,
            error,
          );
      });
  }

  async #processAll(): Promise<void> {
    const { path, prefix } = this.#options;
    const found: Notification[] = [];
    for (const name of (await this.#zk.children(path)) ?? []) {
      const sequence = sequenceNumber(name, prefix);
      if (sequence !== null) found.push({ name, sequence });
    }
    found.sort((a, b) => a.sequence - b.sequence);
    const fresh = found.filter(({ sequence }) => sequence > this.#lastSequence);
    for (const some of chunks(fresh, NEW_AT_ONCE)) {
      const contents = await this.#readAll(some);
      // The same said twice is worth one look, after the last time.
      const latest = new Map(contents.map((content, index) => [content?.data?.toString('latin1'), index]));
      for (const [index, content] of contents.entries()) {
        if (this.#isClosed) return;
        const { name, sequence } = some[index]!;
        if (content !== null && latest.get(content.data?.toString('latin1')) === index)
          await this.#process(`${path}/${name}`, content.data);
        this.#lastSequence = sequence;
      }
    }
    await this.#removeExpired(found);
  }

  #readAll(notifications: readonly Notification[]): Promise<(ZnodeContent | null)[]> {
    return Promise.all(notifications.map(({ name }) => this.#zk.get(`${this.#options.path}/${name}`)));
  }

  /** The oldest first, and no further than to the first that is young enough: there may be very many of those. */
  async #removeExpired(found: readonly Notification[]): Promise<void> {
    const { path, clock } = this.#options;
    for (const some of chunks(found, OLD_AT_ONCE)) {
      const contents = await this.#readAll(some);
      const isExpired = (content: ZnodeContent | null): boolean =>
        content !== null && clock.nowMs() - content.stat.ctimeMs > NOTIFICATION_EXPIRATION_MS;
      const expired = some.filter((_, index) => isExpired(contents[index] ?? null));
      await Promise.all(expired.map(({ name }) => this.#remove(`${path}/${name}`)));
      if (contents.some((content) => content !== null && !isExpired(content))) return;
    }
  }

  async #process(path: string, data: Buffer | null): Promise<void> {
    if (data === null) return this.#options.logger.warn(`read null data from ${path}`);
    try {
      await this.#options.onNotification(data);
    } catch (error) {
      this.#options.logger.error(`error processing change notification ${data.toString('utf8')} from ${path}`, error);
    }
  }

  /** All brokers do this at about the same time. */
  async #remove(path: string): Promise<void> {
    try {
      await this.#zk.delete(path, ANY_VERSION);
    } catch (error) {
      if (!isZooKeeperError(error, 'NO_NODE')) throw error;
    }
  }
}
