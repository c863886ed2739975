/**
 * `npm start`: one ZooKeeper and three brokers in the foreground (see local-cluster.ts). Turns the compile cache on,
 * then runs the command of cluster-command.ts.
 */
import { enableCompileCache } from 'node:module';
import path from 'node:path';

enableCompileCache(path.join(import.meta.dirname, '..', '..', '.cache', 'node'));

const [{ main }, { processTerminal }] = await Promise.all([
  import('./cluster-command.ts'),
  import('./process-terminal.ts'),
]);
process.exit(await main(process.argv.slice(2), processTerminal()));
