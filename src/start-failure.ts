/**
 * @pure What to tell whoever runs a broker that could not start. Whatever lies outside of this program is told in plain
 * words with what to do about it; only for a fault of our own the place in the code matters.
 */
import { HttpListenError } from './http/http-listen-error.ts';
import { DirectoryInUseError } from './log/directory-opening.ts';
import { NoLogDirectoryError } from './log/log-manager.ts';
import { InconsistentDirectoryError } from './log/meta-properties.ts';
import { EndpointTakenError } from './membership.ts';
import { ListenError } from './net/listener.ts';
import { BrokerIdTakenError } from './zk/brokers.ts';
import { ConnectStringError } from './zk/connect-string.ts';
import { ZooKeeperError } from './zk/operations.ts';
import { ZnodeFormatError } from './zk/znode-json.ts';

/** Lines to print, the reason first; null when it is a fault of our own. */
export function startFailureLines(error: unknown): readonly string[] | null {
  if (!(error instanceof Error)) return null;
  const advice = adviceFor(error);
  if (advice === null) return null;
  return advice === '' ? [error.message] : [error.message, advice];
}

/** Null when the error is not the doing of the surroundings; empty when its message says already what to do. */
function adviceFor(error: Error): string | null {
  if (error instanceof ListenError) return adviceForAddress(error.code, 'listeners');
  if (error instanceof HttpListenError) return adviceForAddress(error.code, 'http.listeners');
  if (error instanceof ConnectStringError)
    return 'Correct zookeeper.connect: it has the form host:port,host:port/chroot.';
  if (error instanceof BrokerIdTakenError)
    return 'Stop that broker, or give this one a broker.id and log.dirs of its own.';
  if (error instanceof ZooKeeperError)
    return error.code === 'CONNECTION_TIMEOUT'
      ? 'Start ZooKeeper first (bin/zookeeper-server-start.sh config/zookeeper.properties), or correct ' +
          'zookeeper.connect.'
      : 'ZooKeeper failed while the broker was starting. See to it, and start the broker again.';
  if (error instanceof ZnodeFormatError)
    return 'No Kafka broker writes that. Correct the znode, or choose another chroot in zookeeper.connect.';
  if (error instanceof EndpointTakenError)
    return 'Stop that broker, or give this one other listeners and advertised.listeners.';
  if (error instanceof DirectoryInUseError)
    return 'Stop that process (bin/kafka-server-stop.sh), or give this broker log.dirs of its own.';
  if (error instanceof NoLogDirectoryError)
    return 'The lines above say why, for each directory. Correct log.dirs, or see to the disks and to who may write.';
  return error instanceof InconsistentDirectoryError ? '' : null;
}

function adviceForAddress(code: string, key: 'listeners' | 'http.listeners'): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Another process listens there, perhaps this very broker: stop it, or choose another port in ${key}.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return (
        `This machine has no such address. Correct the host in ${key} (0.0.0.0 means all addresses of this ` +
        `machine)${key === 'listeners' ? '; what clients are to connect to stands in advertised.listeners' : ''}.`
      );
    case 'EACCES':
      return `Ports below 1024 are kept for the administrator: choose another one in ${key}.`;
    default:
      return `Correct ${key}.`;
  }
}
