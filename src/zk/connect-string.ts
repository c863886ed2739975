/** @pure zookeeper.connect: `host:port,host:port/chroot`. Ports default to 2181; IPv6 addresses stand in brackets. */
export interface ConnectString {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** Prefix of every path: '' or an absolute path without a slash at its end. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

/** The text, which its message quotes, is not of that form. */
export class ConnectStringError extends RangeError {
  override readonly name = 'ConnectStringError';
}

/** @throws ConnectStringError */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/');
  const hosts = slash === -1 ? text : text.slice(0, slash);
  const chroot = slash === -1 ? '' : text.slice(slash).replace(/\/+$/, '');
  if (chroot.includes('//')) throw new ConnectStringError(`Invalid chroot in ZooKeeper connect string: ${text}`);
  const servers = hosts
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '')
    .map((host) => parseServer(host, text));
  if (servers.length === 0) throw new ConnectStringError(`No server in ZooKeeper connect string: ${text}`);
  return { servers, chroot };
}

function parseServer(server: string, text: string): { host: string; port: number } {
  const match = /^(?:\[([^[\]]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/.exec(server);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (host === undefined || port < 1 || port > 65535)
    throw new ConnectStringError(`Invalid server ${server} in ZooKeeper connect string: ${text}`);
  return { host, port };
}
