/** Where ZooKeeper is found, on machines that are made up. */
import { describe, expect, it } from 'vitest';
import { findJava, findZooKeeper, type Machine, requireZooKeeper } from '../../../src/cli/zookeeper-installation.ts';
import { zooKeeperCommand, zooKeeperProperties } from '../../../src/cli/zookeeper-server.ts';

interface Setup extends Partial<Pick<Machine, 'environment' | 'platform' | 'isRoot' | 'run'>> {
  readonly files?: string[];
  /** Link → target. */
  readonly links?: Record<string, string>;
  /** Commands that end well. */
  readonly working?: string[];
}

function machine({ files = [], links = {}, working = [], ...rest }: Setup): Machine {
  return {
    environment: { PATH: '/usr/bin:/bin' },
    platform: 'linux',
    isRoot: false,
    exists: (file) => files.includes(file) || file in links,
    list: (directory) =>
      files.filter((file) => file.startsWith(`${directory}/`)).map((file) => file.slice(directory.length + 1)),
    realPath: (file) => links[file] ?? file,
    succeeds: (command) => working.includes(command),
    run: () => Promise.resolve(1),
    ...rest,
  };
}

const java = '/usr/bin/java';

describe('ZooKeeper is found', () => {
  it('where ZOOKEEPER_HOME says, before anywhere else', () => {
    const files = [java, '/home/z/lib/zookeeper-3.9.3.jar', '/usr/share/java/zookeeper.jar'];
    const environment = { PATH: '/usr/bin', ZOOKEEPER_HOME: '/home/z' };
    const classPath = '/home/z/lib/*:/home/z/*:/home/z/conf';
    expect(findZooKeeper(machine({ files, environment }))).toEqual({ place: '/home/z', classPath, java });
    const wrong = machine({ files, environment: { ...environment, ZOOKEEPER_HOME: '/elsewhere' } });
    expect(() => findZooKeeper(wrong)).toThrow('ZOOKEEPER_HOME is /elsewhere, but');
  });

  it('above the zkServer.sh on PATH, through links', () => {
    const files = [java, '/opt/zk-3.8/lib/zookeeper-3.8.4.jar'];
    const links = { '/bin/zkServer.sh': '/opt/zk-3.8/bin/zkServer.sh' };
    expect(findZooKeeper(machine({ files, links }))?.place).toBe('/opt/zk-3.8');
  });

  it('beside the zkServer of Homebrew, and in its folder when that is not on PATH', () => {
    const cellar = '/opt/homebrew/Cellar/zookeeper/3.9.3';
    const linked = machine({
      files: ['/opt/homebrew/opt/openjdk/bin/java', `${cellar}/libexec/lib/zookeeper-3.9.3.jar`],
      links: { '/opt/homebrew/bin/zkServer': `${cellar}/bin/zkServer` },
      environment: { PATH: '/opt/homebrew/bin' },
      platform: 'darwin',
    });
    expect(findZooKeeper(linked)).toMatchObject({
      place: `${cellar}/libexec`,
      java: '/opt/homebrew/opt/openjdk/bin/java',
    });
    const files = [java, '/usr/local/opt/zookeeper/libexec/lib/zookeeper-3.9.3.jar'];
    expect(findZooKeeper(machine({ files }))?.place).toBe('/usr/local/opt/zookeeper/libexec');
  });

  it('in the Debian package, with its logger if there is one', () => {
    const files = [java, '/usr/share/java/zookeeper.jar'];
    expect(findZooKeeper(machine({ files }))?.classPath).toBe('/usr/share/java/zookeeper.jar');
    const withLogger = machine({ files: [...files, '/usr/share/java/slf4j-simple.jar'] });
    expect(findZooKeeper(withLogger)?.classPath).toBe('/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar');
  });

  it('not without Java, nor with the java of a Mac that has none', () => {
    expect(findZooKeeper(machine({ files: ['/usr/share/java/zookeeper.jar'] }))).toBeNull();
    expect(findJava(machine({ files: [java], platform: 'darwin' }))).toBeNull();
    expect(findJava(machine({ files: [java], platform: 'darwin', working: [java] }))).toBe(java);
    const environment = { PATH: '/usr/bin', JAVA_HOME: '/jdk' };
    expect(findJava(machine({ files: [java, '/jdk/bin/java'], environment }))).toBe('/jdk/bin/java');
  });
});

describe('ZooKeeper is installed', () => {
  /** A Debian machine on which installing works at the n-th command. */
  function debian(successfulRun: number, setup: Setup = {}) {
    const files = [java, '/usr/bin/apt-get'];
    const runs: string[] = [];
    const run = async (command: string, args: readonly string[]): Promise<number> => {
      runs.push([command, ...args].join(' ').replace('-q -o DPkg::Lock::Timeout=300 ', ''));
      if (args.includes('update')) return 0;
      if (runs.length < successfulRun) return 100;
      files.push('/usr/share/java/zookeeper.jar');
      return 0;
    };
    return { runs, machine: machine({ files, run, ...setup }) };
  }
  const install = 'install -y --no-install-recommends zookeeper default-jre-headless';

  it('by root, with a line that says so', async () => {
    const { runs, machine: root } = debian(1, { isRoot: true });
    const lines: string[] = [];
    expect((await requireZooKeeper(root, (line) => lines.push(line))).place).toBe('/usr/share/java');
    expect(runs).toEqual([`apt-get ${install}`]);
    expect(lines).toEqual(['ZooKeeper is not on this machine; installing the package zookeeper']);
    await requireZooKeeper(root, (line) => lines.push(line));
    expect(runs.length).toBe(1);
  });

  it('through sudo that asks for nothing, after an update of the list if need be', async () => {
    const { runs, machine: user } = debian(3, { working: ['sudo'] });
    await requireZooKeeper(user, () => undefined);
    expect(runs).toEqual([`sudo -n apt-get ${install}`, 'sudo -n apt-get update', `sudo -n apt-get ${install}`]);
  });

  it.each([
    ['nobody allows it', debian(1).machine, 'sudo apt-get install zookeeper default-jre-headless'],
    ['it fails', debian(99, { isRoot: true }).machine, 'sudo apt-get install zookeeper default-jre-headless'],
    ['it is a Mac', machine({ files: [java], platform: 'darwin', working: [java] }), 'brew install zookeeper'],
    ['it is another Linux', machine({ isRoot: true }), 'unpack a release from https://zookeeper.apache.org'],
  ])('not when %s: then it is said what to do', async (_why, where, what) => {
    await expect(requireZooKeeper(where, () => undefined)).rejects.toThrow(what);
  });
});

it('a server is run by a plain java command with what its configuration says', () => {
  const installation = { place: '/z', classPath: '/z/lib/*', java };
  const { command, args } = zooKeeperCommand(installation, '/etc/zoo.cfg', { heapMegabytes: 128, forceSync: false });
  expect(command).toBe(java);
  expect(args).toEqual(expect.arrayContaining(['-Xmx128m', '-Dzookeeper.forceSync=no', '-cp', '/z/lib/*']));
  expect(args.slice(-2)).toEqual(['org.apache.zookeeper.server.quorum.QuorumPeerMain', '/etc/zoo.cfg']);
  const ensemble = [{ id: 1, host: 'a', quorumPort: 2888, electionPort: 3888 }];
  const text = zooKeeperProperties({ dataDirectory: '/data', clientPort: 2181, ensemble });
  expect(text.split('\n')).toEqual(
    expect.arrayContaining(['dataDir=/data', 'clientPort=2181', 'clientPortAddress=127.0.0.1', 'server.1=a:2888:3888']),
  );
});
