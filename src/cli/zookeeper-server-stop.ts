/** zookeeper-server-stop: asks the ZooKeeper servers of this machine to stop, as Kafka's script of that name does. */
import { defineCommand } from './command.ts';
import { runningProcesses, signalProcess, stopSignal } from './processes.ts';
import { isZooKeeper } from './zookeeper-server.ts';

export const main = defineCommand({
  script: 'zookeeper-server-stop.sh',
  summary:
    'This tool stops every ZooKeeper server that runs on this machine, whoever started it: npm start, ' +
    'zookeeper-server-start.sh or another installation. It sends SIGTERM, or the signal that SIGNAL in the ' +
    'environment names, and does not wait. Exit code 1 when there is none.',
  runsBare: true,
  options: {},
  examples: [
    ['Stop the brokers first: they need ZooKeeper to stop in order', 'kafka-server-stop.sh'],
    ['Then ZooKeeper', 'zookeeper-server-stop.sh'],
    ['End a server that does not react', 'SIGNAL=KILL zookeeper-server-stop.sh'],
  ],
  run: async (_, terminal) => {
    const servers = runningProcesses().filter(({ command }) => isZooKeeper(command));
    if (servers.length === 0) {
      terminal.out('No zookeeper server to stop\n');
      return 1;
    }
    for (const { pid } of servers) signalProcess(pid, stopSignal(process.env));
    return 0;
  },
});
