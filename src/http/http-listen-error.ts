/** @pure An address of http.listeners that cannot be bound. By itself: whoever explains it need not load HTTP. */
import type { HttpListener } from '../config/keys/http-keys.ts';

export class HttpListenError extends Error {
  override readonly name = 'HttpListenError';
  /** The system's: EADDRINUSE, EACCES … */
  readonly code: string;

  constructor({ host, port }: HttpListener, cause: NodeJS.ErrnoException) {
    super(`HTTP failed to bind to ${host}:${port}: ${cause.message}.`, { cause });
    this.code = cause.code ?? '';
  }
}
