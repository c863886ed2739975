/**
 * The servers of `npm start` that ended and that a person may bring back by hand, in a terminal of their own: noticed
 * when they are back and when they fall again, and named at the end when they still run, since nobody else stops them.
 *
 * Guarantees: each is asked for until stop() is called, once a second while it is down and every few seconds while it
 * runs; each return and each later fall is told once.
 */
import type { Clock } from '../lib/clock.ts';
import { RepeatingTask } from '../client/repeating-task.ts';

export interface FallenServer {
  /** For people, such as `broker 2`. */
  readonly name: string;
  /** Where it listens when it runs. */
  readonly port: number;
  readonly stopCommand: string;
  readonly needsZooKeeper: boolean;
}

export interface FallenServersOptions {
  readonly clock: Clock;
  /** Whether somebody accepts connections at that port. */
  readonly isListening: (port: number) => Promise<boolean>;
  readonly onReturn: (server: FallenServer) => void;
  /** One that was back listens no more. */
  readonly onFall: (server: FallenServer) => void;
  readonly onFailure: (error: unknown) => void;
}

const POLL_MS = 1000;
/** Each question is a connection to a broker at work. */
const POLL_WHILE_UP_MS = 3000;

export class FallenServers {
  readonly #options: FallenServersOptions;
  readonly #fallen = new Set<FallenServer>();
  readonly #watches = new Set<RepeatingTask>();
  #isStopped = false;

  constructor(options: FallenServersOptions) {
    this.#options = options;
  }

  /** It has ended; from now on its return is looked for. */
  add(server: FallenServer): void {
    this.#fallen.add(server);
    if (this.#isStopped) return;
    const { clock, isListening, onReturn, onFall, onFailure } = this.#options;
    let wasUp = false;
    const look = async (): Promise<number> => {
      const isUp = await isListening(server.port);
      if (isUp !== wasUp && !this.#isStopped) (isUp ? onReturn : onFall)(server);
      wasUp = isUp;
      return isUp ? POLL_WHILE_UP_MS : POLL_MS;
    };
    this.#watches.add(new RepeatingTask(clock, POLL_MS, look, onFailure));
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#isStopped = true;
    for (const watch of this.#watches) watch.stop();
  }

  /** Those that run at this moment, which is somebody else's doing. */
  async running(): Promise<FallenServer[]> {
    const fallen = [...this.#fallen];
    const isUp = await Promise.all(fallen.map(({ port }) => this.#options.isListening(port)));
    return fallen.filter((_, index) => isUp[index]);
  }
}

/** The last words of `npm start`: everything is stopped, or what still runs and how to stop it. Ends with a newline. */
export function farewell(dataDirectory: string, running: readonly FallenServer[]): string {
  if (running.length === 0) return `Stopped. The data is in ${dataDirectory}\n`;
  const hasZooKeeper = running.some(({ needsZooKeeper }) => !needsZooKeeper);
  const lines = running.flatMap(({ name, stopCommand, needsZooKeeper }) => [
    `${name} was started by hand and still runs${needsZooKeeper && !hasZooKeeper ? ', without ZooKeeper now' : ''}.`,
    'To stop it, Ctrl-C in its terminal or',
    `  ${stopCommand}`,
  ]);
  const first = `Stopped, but for what was started by hand. The data is in ${dataDirectory}`;
  return `${[first, ...lines].join('\n')}\n`;
}
