/**
 * @pure Where things are found in the API v3 and what they are called: addresses, which begin with the one that the
 * client used, and names (Confluent's UrlFactory and CrnFactory).
 *
 * Guarantees: an address leads to its thing whatever the thing is called, but `.` and `..`; parts without a name are
 * left out.
 */

/** A thing of the API: what every answer begins with. */
export interface Resource {
  readonly kind: string;
  readonly metadata: { readonly self: string; readonly resource_name?: string };
}

export interface Relation {
  readonly related: string;
}

/** A list before its things. */
export interface ListHead {
  readonly kind: string;
  readonly metadata: { readonly self: string; readonly next: null };
}

type Part = string | number;
/** What a path may hold besides letters and digits, and encodeURIComponent does not know of (RFC 3986, pchar). */
const LEGAL_IN_PATHS = /%(?:3A|40|24|26|2B|2C|3B|3D)/g;

export class V3Links {
  readonly clusterId: string;
  readonly #base: string;

  /** @param base scheme, host and port, and what goes before `/v3`: `http://localhost:8082` */
  constructor(base: string, clusterId: string) {
    this.#base = base;
    this.clusterId = clusterId;
  }

  /** Of all clusters. */
  get clusters(): string {
    return `${this.#base}/v3/clusters`;
  }

  /** Within the cluster; without parts, its own. */
  url(...parts: readonly Part[]): string {
    return [this.clusters, ...[this.clusterId, ...parts].map(encoded).filter(isPresent)].join('/');
  }

  to(...parts: readonly Part[]): Relation {
    return { related: this.url(...parts) };
  }

  /**
   * A thing's beginning.
   * @param path within the cluster
   * @param names its kinds and names in turn: `topic`, `orders`, `partition`, 0
   */
  resource(kind: string, path: readonly Part[], names: readonly Part[]): Resource {
    return { kind, metadata: { self: this.url(...path), resource_name: this.#name(names) } };
  }

  list(kind: string, ...path: readonly Part[]): ListHead {
    return { kind, metadata: { self: this.url(...path), next: null } };
  }

  #name(names: readonly Part[]): string {
    const parts = ['crn://', `kafka=${this.clusterId}`];
    for (let index = 0; index < names.length; index += 2) {
      const name = names[index + 1];
      parts.push(name === undefined ? String(names[index]) : `${names[index]}=${encoded(name)}`);
    }
    return parts.join('/');
  }
}

function isPresent(part: string): boolean {
  return part !== '';
}

function encoded(part: Part): string {
  return encodeURIComponent(part).replace(LEGAL_IN_PATHS, decodeURIComponent);
}
