/**
 * @pure Where a client found this server, for links and addresses in answers: as the client wrote it, since a name that
 * holds here (in a network of containers, behind a mapped port) may not hold there. X-Forwarded headers are not
 * believed. What cannot be a host and port is not repeated: then it is the address of the socket.
 */

export interface AskedRequest {
  readonly protocol: string;
  readonly headers: { readonly host?: string | undefined };
  readonly socket: { readonly localAddress?: string | undefined; readonly localPort?: number | undefined };
}

const HOST = /^[\w.-]{1,255}(:\d{1,5})?$|^\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?$/;
const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/i;

/** `http://localhost:8082` */
export function askedAddress({ protocol, headers, socket }: AskedRequest): string {
  const { host = '' } = headers;
  if (HOST.test(host)) return `${protocol}://${host}`;
  const address = (socket.localAddress ?? 'localhost').replace(MAPPED_IPV4, '');
  return `${protocol}://${address.includes(':') ? `[${address}]` : address}:${socket.localPort ?? 0}`;
}
