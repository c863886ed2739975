/** What whoever runs a broker reads when it could not start. */
import { describe, expect, it } from 'vitest';
import { HttpListenError } from '../../src/http/http-listen-error.ts';
import { DirectoryInUseError } from '../../src/log/directory-opening.ts';
import { NoLogDirectoryError } from '../../src/log/log-manager.ts';
import { InconsistentDirectoryError } from '../../src/log/meta-properties.ts';
import { EndpointTakenError } from '../../src/membership.ts';
import { ListenError } from '../../src/net/listener.ts';
import { startFailureLines } from '../../src/start-failure.ts';
import { BrokerIdTakenError } from '../../src/zk/brokers.ts';
import { ConnectStringError } from '../../src/zk/connect-string.ts';
import { ZooKeeperError } from '../../src/zk/operations.ts';
import { ZnodeFormatError } from '../../src/zk/znode-json.ts';

const endpoint = { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: 'h', port: 9092 } as const;
const listenError = (code: string): Error =>
  new ListenError(endpoint, Object.assign(new Error('listen failed'), { code }));
const httpListenError = (code: string): Error =>
  new HttpListenError({ host: 'h', port: 8081 }, Object.assign(new Error('listen failed'), { code }));

describe('a broker that could not start', () => {
  it.each([
    ['the port is in use', listenError('EADDRINUSE'), 'choose another port in listeners'],
    ['the address is not of this machine', listenError('EADDRNOTAVAIL'), 'Correct the host in listeners'],
    ['the host is unknown', listenError('ENOTFOUND'), 'Correct the host in listeners'],
    ['the port is not for everybody', listenError('EACCES'), 'Ports below 1024'],
    ['the address is otherwise impossible', listenError('EINVAL'), 'Correct listeners.'],
    ['the port of HTTP is in use', httpListenError('EADDRINUSE'), 'choose another port in http.listeners'],
    ['ZooKeeper is away', new ZooKeeperError('CONNECTION_TIMEOUT', null, 'Timed out'), 'Start ZooKeeper first'],
    ['ZooKeeper went away', new ZooKeeperError('SESSION_EXPIRED', '/brokers'), 'ZooKeeper failed while'],
    ['zookeeper.connect is malformed', new ConnectStringError('Invalid'), 'Correct zookeeper.connect'],
    ['a znode is malformed', new ZnodeFormatError('/cluster/id', 'no data', null), 'Correct the znode'],
    ['broker.id is taken', new BrokerIdTakenError(1, 'Another broker'), 'a broker.id and log.dirs of its own'],
    ['its address is taken', new EndpointTakenError('Configured end points'), 'Stop that broker'],
    ['log.dirs are in use', new DirectoryInUseError('Failed to acquire lock'), 'Stop that process'],
    ['log.dirs are of no use', new NoLogDirectoryError('Shutdown broker'), 'The lines above say why'],
  ])('because %s says why and what to do', (_why, error, advice) => {
    const lines = startFailureLines(error);
    expect(lines).toHaveLength(2);
    expect(lines?.[0]).toBe(error.message);
    expect(lines?.[1]).toContain(advice);
  });

  it("because its data are another broker's needs no further words", () => {
    expect(startFailureLines(new InconsistentDirectoryError('Stored node id 1'))).toEqual(['Stored node id 1']);
  });

  it('through a fault of our own shows where that is', () => {
    expect(startFailureLines(new TypeError('undefined is not a function'))).toBeNull();
    expect(startFailureLines('thrown')).toBeNull();
  });
});
