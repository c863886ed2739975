/**
 * @pure Places for connections, so many in all. When there are too many, the client that has the most gives one up: one
 * that waits for its next request, longest of all, or else the one whose request is the oldest.
 *
 * Guarantees: who holds fewer connections than another loses none to it, and is always let in.
 */
import { clientOf } from './client-address.ts';

interface Client<C> {
  /** Without a request, the longest first. */
  readonly idle: Set<C>;
  /** With one, the oldest first. */
  readonly busy: Set<C>;
}

interface Holding<C> {
  readonly address: string;
  readonly client: Client<C>;
  /** Under way: a connection may have sent some before the first was answered. */
  requests: number;
}

export class ConnectionPlaces<C> {
  readonly #maxConnections: number;
  readonly #clients = new Map<string, Client<C>>();
  readonly #holdings = new Map<C, Holding<C>>();

  constructor(maxConnections: number) {
    this.#maxConnections = maxConnections;
  }

  get count(): number {
    return this.#holdings.size;
  }

  /** Returns the connection that has to end for this one, which may be itself; null while there is room. */
  open(connection: C, remoteAddress: string): C | null {
    const address = clientOf(remoteAddress);
    const client = this.#clients.get(address) ?? { idle: new Set(), busy: new Set() };
    this.#clients.set(address, client);
    client.idle.add(connection);
    this.#holdings.set(connection, { address, client, requests: 0 });
    if (this.#holdings.size <= this.#maxConnections) return null;
    const superfluous = this.#leastMissed(connection, client);
    this.close(superfluous);
    return superfluous;
  }

  /** A request begins. */
  begin(connection: C): void {
    const holding = this.#holdings.get(connection);
    if (holding === undefined || ++holding.requests > 1) return;
    holding.client.idle.delete(connection);
    holding.client.busy.add(connection);
  }

  /** It is answered, or given up. */
  end(connection: C): void {
    const holding = this.#holdings.get(connection);
    if (holding === undefined || --holding.requests > 0) return;
    holding.client.busy.delete(connection);
    holding.client.idle.add(connection);
  }

  /** Under way. */
  requestsOf(connection: C): number {
    return this.#holdings.get(connection)?.requests ?? 0;
  }

  /** May be called more than once. */
  close(connection: C): void {
    const holding = this.#holdings.get(connection);
    if (holding === undefined) return;
    const { address, client } = holding;
    this.#holdings.delete(connection);
    client.idle.delete(connection);
    client.busy.delete(connection);
    if (countOf(client) === 0) this.#clients.delete(address);
  }

  #leastMissed(connection: C, newcomer: Client<C>): C {
    let greediest = newcomer;
    for (const client of this.#clients.values()) if (countOf(client) > countOf(greediest)) greediest = client;
    const [idle] = greediest.idle;
    const [busy] = greediest.busy;
    if (greediest !== newcomer) return idle ?? busy ?? connection;
    if (idle !== undefined && idle !== connection) return idle;
    // Nobody has more than the newcomer would have: what others use stays.
    for (const client of this.#clients.values()) {
      const [unused] = client.idle;
      if (unused !== undefined && unused !== connection && countOf(client) === countOf(newcomer)) return unused;
    }
    return connection;
  }
}

function countOf<C>({ idle, busy }: Client<C>): number {
  return idle.size + busy.size;
}
