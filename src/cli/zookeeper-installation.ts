/**
 * Where ZooKeeper is on this machine. Found by ZOOKEEPER_HOME, by zkServer.sh on PATH, in the places where Debian and
 * Homebrew put it; else Debian's package is installed, if that needs nobody's password; else the error says in plain
 * words what to do. The same for Java.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { CommandError } from './command.ts';

export interface ZooKeeperInstallation {
  /** Where it was found, for people. */
  readonly place: string;
  readonly classPath: string;
  readonly java: string;
}

/** What is asked of the machine; tests bring their own. */
export interface Machine {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  exists(file: string): boolean;
  /** Names in a directory; empty when there is none. */
  list(directory: string): string[];
  realPath(file: string): string;
  /** Whether the command exists and ends well, quickly and without asking anything. */
  succeeds(command: string, args: readonly string[]): boolean;
  /** Runs a command to its end, its output on our stderr; resolves with its exit code. */
  run(command: string, args: readonly string[]): Promise<number>;
}

export function thisMachine(): Machine {
  return {
    environment: process.env,
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    exists: existsSync,
    list: (directory) => (existsSync(directory) ? readdirSync(directory) : []),
    realPath: (file) => realpathSync(file),
    succeeds: (command, args) => spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0,
    run: (command, args) =>
      new Promise((resolve, reject) => {
        const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
        const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: environment });
        child.once('error', reject).once('exit', (code) => resolve(code ?? 1));
      }),
  };
}

const HOMEBREW_PREFIXES = ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'];
const DEBIAN_JAVA = '/usr/share/java';

/** ZooKeeper, installed if need be. `print` gets a line before anything that takes long. @throws CommandError */
export async function requireZooKeeper(
  machine: Machine,
  print: (line: string) => void,
): Promise<ZooKeeperInstallation> {
  const found = findZooKeeper(machine);
  if (found !== null) return found;
  const sudo = howToBeRoot(machine);
  if (sudo === null || !machine.exists('/usr/bin/apt-get')) throw new CommandError(advice(machine));
  print('ZooKeeper is not on this machine; installing the package zookeeper');
  await aptInstall(machine, sudo, print);
  const installed = findZooKeeper(machine);
  if (installed === null) throw new CommandError(advice(machine));
  return installed;
}

/**
 * Null when ZooKeeper or Java is missing. @throws CommandError when ZOOKEEPER_HOME is set and ZooKeeper is not there.
 */
export function findZooKeeper(machine: Machine): ZooKeeperInstallation | null {
  const java = findJava(machine);
  if (java === null) return null;
  const home = machine.environment['ZOOKEEPER_HOME'];
  if (home !== undefined && home !== '') {
    const classPath = classPathOf(machine, home);
    if (classPath !== null) return { place: home, classPath, java };
    throw new CommandError(`ZOOKEEPER_HOME is ${home}, but there is no lib/zookeeper-*.jar in it.`);
  }
  const homes = [
    ...homesOnPath(machine),
    ...HOMEBREW_PREFIXES.map((prefix) => `${prefix}/opt/zookeeper/libexec`),
    '/opt/zookeeper',
    '/usr/local/zookeeper',
  ];
  for (const place of homes) {
    const classPath = classPathOf(machine, place);
    if (classPath !== null) return { place, classPath, java };
  }
  const jar = `${DEBIAN_JAVA}/zookeeper.jar`;
  if (!machine.exists(jar)) return null;
  // Debian's jar names the others it needs, but for one that writes log lines.
  const logger = `${DEBIAN_JAVA}/slf4j-simple.jar`;
  return { place: DEBIAN_JAVA, classPath: machine.exists(logger) ? `${jar}:${logger}` : jar, java };
}

/**
 * zkServer.sh lies in the bin of its home; Homebrew's wrapper zkServer in a bin beside the libexec that is its home.
 */
function homesOnPath({ environment, exists, realPath }: Machine): string[] {
  const homes: string[] = [];
  for (const directory of (environment['PATH'] ?? '').split(':'))
    for (const script of ['zkServer.sh', 'zkServer']) {
      const file = path.join(directory, script);
      if (directory === '' || !exists(file)) continue;
      const home = path.dirname(path.dirname(realPath(file)));
      homes.push(home, path.join(home, 'libexec'));
    }
  return homes;
}

/** A release has its jars in lib, its own among them; before 3.5 that one lay beside. */
function classPathOf({ list }: Machine, home: string): string | null {
  const isServer = (name: string): boolean => /^zookeeper-\d.*\.jar$/.test(name);
  for (const directory of [path.join(home, 'lib'), home])
    if (list(directory).some(isServer)) return `${path.join(home, 'lib')}/*:${home}/*:${home}/conf`;
  return null;
}

export function findJava({ environment, platform, exists, succeeds }: Machine): string | null {
  const candidates = [
    ...(environment['JAVA_HOME'] ? [path.join(environment['JAVA_HOME'], 'bin/java')] : []),
    ...HOMEBREW_PREFIXES.map((prefix) => `${prefix}/opt/openjdk/bin/java`),
    ...(environment['PATH'] ?? '')
      .split(':')
      .filter((directory) => directory !== '')
      .map((directory) => path.join(directory, 'java')),
    '/usr/lib/jvm/default-java/bin/java',
  ];
  // On a Mac without Java /usr/bin/java exists and only says where to get one.
  const works = (java: string): boolean =>
    exists(java) && (platform !== 'darwin' || java !== '/usr/bin/java' || succeeds(java, ['-version']));
  return candidates.find(works) ?? null;
}

/** What to put before a command so that it runs as root; null when that is not possible without a password. */
function howToBeRoot({ isRoot, succeeds }: Machine): string[] | null {
  if (isRoot) return [];
  return succeeds('sudo', ['-n', 'true']) ? ['sudo', '-n'] : null;
}

async function aptInstall(machine: Machine, sudo: string[], print: (line: string) => void): Promise<void> {
  const apt = (...args: string[]): Promise<number> => {
    // Another start may be installing the same: wait for its lock.
    const words = [...sudo, 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300', ...args];
    return machine.run(words[0] ?? 'apt-get', words.slice(1));
  };
  const install = ['install', '-y', '--no-install-recommends', 'zookeeper', 'default-jre-headless'];
  if ((await apt(...install)) === 0) return;
  print('Updating the list of packages');
  if ((await apt('update')) !== 0 || (await apt(...install)) !== 0) throw new CommandError(advice(machine));
}

function advice(machine: Machine): string {
  const hasJava = findJava(machine) !== null;
  const missing = hasJava ? 'ZooKeeper is' : 'Java is missing, and ZooKeeper perhaps too: they are';
  const how =
    machine.platform === 'darwin'
      ? 'brew install zookeeper'
      : machine.exists('/usr/bin/apt-get')
        ? 'sudo apt-get install zookeeper default-jre-headless'
        : 'install Java 11 or newer, unpack a release from https://zookeeper.apache.org/releases.html';
  return (
    `${missing} needed to coordinate the brokers and could not be found on this machine.\n` +
    `What to do: ${how}\n` +
    'ZooKeeper may lie anywhere if ZOOKEEPER_HOME names the directory that has its lib folder.'
  );
}
