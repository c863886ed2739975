/**
 * @pure Which pages of other origins may read what HTTP answers: the options of fastify's plugin for it. The defaults
 * are those of Confluent's servers.
 */
import type { FastifyCorsOptions } from '@fastify/cors';

/** As the configuration has it; without origins nobody may. */
export interface CrossOrigin {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
}

const DEFAULT_METHODS: readonly string[] = ['GET', 'POST', 'HEAD'];
const DEFAULT_HEADERS: readonly string[] = ['X-Requested-With', 'Content-Type', 'Accept', 'Origin'];
/** For how long a browser need not ask again. */
const MAX_AGE_SECONDS = 1800;

export function corsOptions({ origins, methods, headers }: CrossOrigin): FastifyCorsOptions {
  return {
    origin: origins.includes('*') ? '*' : origins.map(originOf),
    methods: [...(methods.length === 0 ? DEFAULT_METHODS : methods)],
    allowedHeaders: [...(headers.length === 0 ? DEFAULT_HEADERS : headers)],
    maxAge: MAX_AGE_SECONDS,
    // An OPTIONS that no browser sent is told the same.
    strictPreflight: false,
  };
}

/** `https://*.domain` is every host of the domain. */
function originOf(written: string): string | RegExp {
  if (!written.includes('*')) return written;
  return new RegExp(`^${written.replace(/[.+?^${}()|[\]\\/]/g, String.raw`\$&`).replace('*', '[A-Za-z0-9.-]+')}$`);
}
