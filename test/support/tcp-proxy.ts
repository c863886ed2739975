/**
 * A link between a client and one server that can be made to fail in every way that links do: cut, dead (nothing
 * arrives, nobody is told), refusing, accepting and then silent, cut in the middle of a reply, cut instead of a reply.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface Link {
  readonly client: Socket;
  readonly server: Socket | null;
  /** Of bytes that never arrive. */
  isDead: boolean;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #links = new Set<Link>();
  #mode: 'pass' | 'refuse' | 'accept-only' | 'dead' = 'pass';
  #onReply: ((bytes: Buffer, link: Link) => Buffer | null) | null = null;
  /** Connections that clients have made so far. */
  connectionCount = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get liveLinks(): number {
    return this.#links.size;
  }

  /** New connections pass again; dead ones stay dead. */
  heal(): void {
    this.#mode = 'pass';
  }

  cut(): void {
    for (const link of [...this.#links]) this.#end(link);
  }

  /** Cuts all connections, and every new one at once. */
  refuse(): void {
    this.#mode = 'refuse';
    this.cut();
  }

  /** New connections are accepted and nobody answers. */
  acceptOnly(): void {
    this.#mode = 'accept-only';
    this.cut();
  }

  /** From now on no byte arrives at either end, on old connections and new ones; neither end is told. */
  blackHole(): void {
    this.#mode = 'dead';
    for (const link of this.#links) link.isDead = true;
  }

  /** A black hole from the reply to the request on that comes after so many more. */
  async blackHoleAfter(replyCount: number): Promise<void> {
    for (let count = 0; count < replyCount; count++) await this.#atNextReply((bytes) => bytes);
    await this.#atNextReply(() => {
      this.blackHole();
      return null;
    });
  }

  /** The reply to the next request is executed but not delivered: the connection is cut instead. Pings do not count. */
  loseNextReply(): Promise<void> {
    return this.#atNextReply((_bytes, link) => {
      this.#end(link);
      return null;
    });
  }

  /** Only so many bytes of the next reply are delivered, then the connection is cut. */
  cutNextReplyAfter(byteCount: number): Promise<void> {
    return this.#atNextReply((bytes, link) => {
      link.client.write(bytes.subarray(0, byteCount), () => this.#end(link));
      return null;
    });
  }

  /** The next reply says that the request failed with this code. */
  failNextReplyWith(code: number): Promise<void> {
    return this.#atNextReply((bytes) => {
      // Length, request id, transaction id, error; nothing follows an error.
      const refused = Buffer.from(bytes.subarray(0, 20));
      refused.writeInt32BE(16, 0);
      refused.writeInt32BE(code, 16);
      return refused;
    });
  }

  async close(): Promise<void> {
    this.cut();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #atNextReply(change: (bytes: Buffer, link: Link) => Buffer | null): Promise<void> {
    return new Promise((resolve) => {
      this.#onReply = (bytes, link) => {
        const requestId = bytes.length >= 8 ? bytes.readInt32BE(4) : -1;
        if (requestId < 0) return bytes;
        this.#onReply = null;
        const changed = change(bytes, link);
        resolve();
        return changed;
      };
    });
  }

  #accept(client: Socket): void {
    this.connectionCount++;
    client.on('error', () => client.destroy());
    if (this.#mode === 'refuse') {
      client.destroy();
      return;
    }
    const isDead = this.#mode === 'dead' || this.#mode === 'accept-only';
    const server = isDead ? null : connect(this.#targetPort, '127.0.0.1');
    const link: Link = { client, server, isDead };
    this.#links.add(link);
    client.setNoDelay();
    client.on('close', () => this.#end(link));
    client.on('data', (bytes) => {
      if (!link.isDead) server?.write(bytes);
    });
    server?.setNoDelay();
    server?.on('error', () => this.#end(link));
    server?.on('close', () => {
      if (!link.isDead) this.#end(link);
    });
    server?.on('data', (bytes) => {
      if (link.isDead) return;
      const changed = this.#onReply === null ? bytes : this.#onReply(bytes, link);
      if (changed !== null && !client.destroyed) client.write(changed);
    });
  }

  #end(link: Link): void {
    this.#links.delete(link);
    link.client.destroy();
    link.server?.destroy();
  }
}
