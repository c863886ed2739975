/** zookeeper-server-stop: asks the ZooKeeper servers of this machine to stop, as Kafka's script of that name does. */
import { defineCommand } from './command.ts';
import { runningProcesses, signalProcess, stopSignal } from './processes.ts';

export const main = defineCommand({
  script: 'zookeeper-server-stop.sh',
  summary: 'This tool stops the ZooKeeper servers of this machine. The environment may name another SIGNAL.',
  runsBare: true,
  options: {},
  examples: [],
  run: async (_, terminal) => {
    const servers = runningProcesses().filter(
      ({ command }) =>
        command[0]?.endsWith('java') && command.includes('org.apache.zookeeper.server.quorum.QuorumPeerMain'),
    );
    if (servers.length === 0) {
      terminal.out('No zookeeper server to stop\n');
      return 1;
    }
    for (const { pid } of servers) signalProcess(pid, stopSignal(process.env));
    return 0;
  },
});
