/**
 * @pure The routes that a server has, as it learnt of them: what the OpenAPI document tells, and which methods a path
 * has when it is asked with another one. Costs nothing until somebody asks.
 */
import type { FastifySchema } from 'fastify';

export interface KnownRoute {
  readonly method: string;
  /** The pattern, with `:name` for parts that vary and `::` for a colon. */
  readonly url: string;
  readonly schema: FastifySchema | undefined;
}

interface Pattern {
  readonly matches: RegExp;
  readonly route: KnownRoute;
}

export class RouteTable {
  readonly #routes: KnownRoute[] = [];
  /** Made when first needed. */
  #patterns: Pattern[] | null = null;

  add(route: KnownRoute): void {
    this.#routes.push(route);
    this.#patterns = null;
  }

  get routes(): readonly KnownRoute[] {
    return this.#routes;
  }

  /** Those that a path belongs to, whatever the method; the path without a query. */
  of(path: string): KnownRoute[] {
    this.#patterns ??= this.#routes.map((route) => ({ matches: patternOf(route.url), route }));
    return this.#patterns.filter(({ matches }) => matches.test(path)).map(({ route }) => route);
  }
}

const PARTS = /::|:\w+|\*|[^:*]+/g;

/** A slash at the end makes no difference. */
function patternOf(url: string): RegExp {
  const parts = (url.replace(/\/$/, '').match(PARTS) ?? []).map((part) => {
    if (part === '::') return ':';
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('')}/?$`);
}
