/** @pure The sender of a request as the rules of groups see it, and as they show it to administrators. */
import type { RequestContext } from './handler.ts';

export function memberContext({ clientId, connection, version }: RequestContext): {
  readonly clientId: string;
  readonly clientHost: string;
  readonly version: number;
} {
  // The slash is Java's: before it would stand the host's name.
  return { clientId: clientId ?? '', clientHost: `/${connection.clientHost}`, version };
}
