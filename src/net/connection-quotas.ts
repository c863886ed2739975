/**
 * @pure How many connections there may be, in all and from one address (Kafka's ConnectionQuotas).
 *
 * The limit of one address is the default unless an override names that address. The listener between brokers may go
 * one beyond the total, at the price of another listener's connection: clients cannot lock the brokers out from each
 * other.
 */
export interface ConnectionLimitsConfig {
  /** max.connections */
  readonly maxConnections: number;
  /** max.connections.per.ip */
  readonly maxConnectionsPerIp: number;
  /** max.connections.per.ip.overrides */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** max.connection.creation.rate, per second */
  readonly maxConnectionCreationRate: number;
}

export type Admission = 'accept' | 'makeRoom' | 'tooMany' | 'tooManyFromAddress';

export class ConnectionQuotas {
  readonly #config: ConnectionLimitsConfig;
  readonly #perAddress = new Map<string, number>();
  #count = 0;
  /** Connections that may be served at once: as many as come within a second at the allowed rate. Negative: a debt. */
  #allowance: number;
  #allowanceAtMs = 0;

  constructor(config: ConnectionLimitsConfig) {
    this.#config = config;
    this.#allowance = config.maxConnectionCreationRate;
  }

  get count(): number {
    return this.#count;
  }

  admit(address: string, isInterBrokerListener: boolean): Admission {
    const allowed = this.#config.maxConnectionsPerIpOverrides.get(address) ?? this.#config.maxConnectionsPerIp;
    if ((this.#perAddress.get(address) ?? 0) >= allowed) return 'tooManyFromAddress';
    if (this.#count < this.#config.maxConnections) return 'accept';
    return isInterBrokerListener ? 'makeRoom' : 'tooMany';
  }

  /**
   * Counts a new connection against the rate, and says how long it has to wait until it is served. They are not
   * refused: a restarted broker meets all of its clients at once.
   */
  delayMs(nowMs: number): number {
    const { maxConnectionCreationRate: rate } = this.#config;
    const earned = ((nowMs - this.#allowanceAtMs) / 1000) * rate;
    this.#allowance = Math.min(rate, this.#allowance + earned) - 1;
    this.#allowanceAtMs = nowMs;
    return this.#allowance >= 0 ? 0 : (-this.#allowance / Math.max(1, rate)) * 1000;
  }

  opened(address: string): void {
    this.#count++;
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
  }

  closed(address: string): void {
    this.#count--;
    const left = (this.#perAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }
}
