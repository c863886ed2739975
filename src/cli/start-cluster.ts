/**
 * `npm start`: one ZooKeeper and three brokers in the foreground (see local-cluster.ts). Turns the compile cache on,
 * then runs the command of cluster-command.ts.
 */
import { enableCompileCache } from 'node:module';
import path from 'node:path';

const cache = path.join(import.meta.dirname, '..', '..', '.cache', 'node');
enableCompileCache(cache);
// For the brokers, which know it before they load their first file: see bin/launch.sh.
process.env['NODE_COMPILE_CACHE'] ??= cache;

const [{ main }, { processTerminal }] = await Promise.all([
  import('./cluster-command.ts'),
  import('./process-terminal.ts'),
]);
process.exit(await main(process.argv.slice(2), processTerminal()));
