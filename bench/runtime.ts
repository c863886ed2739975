/** How the measured brokers are run: as they come, and Apache Kafka with what its own start script gives it. */
import type { RuntimeArguments } from '../test/support/implementation.ts';

export const RUNTIME: RuntimeArguments = {
  java: [
    '-Xmx1G',
    '-Xms1G',
    '-server',
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=20',
    '-XX:InitiatingHeapOccupancyPercent=35',
  ],
};
