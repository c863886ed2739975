/** The lines of curl that people know from documentations, each script against three new brokers. */
import * as path from 'node:path';
import { describe } from 'vitest';
import { itPlaysCurlScripts } from '../support/curl-script.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { withCluster } from '../support/use-cluster.ts';

const SCRIPTS = path.resolve(import.meta.dirname, '../scripts/http');
/** As in a cluster for development, which documentations have in mind. */
const OVERRIDES = { ...WITH_HTTP, 'auto.create.topics.enable': 'true' };

describe('curl', () => {
  itPlaysCurlScripts(SCRIPTS, (play) =>
    withCluster({ overrides: OVERRIDES }, async (cluster) => {
      const addresses = cluster.brokers.map(httpAddress);
      const response = await fetch(`${addresses[0]}/v1/metadata/id`);
      const { scope } = (await response.json()) as { scope: { clusters: { 'kafka-cluster': string } } };
      await play({ addresses, clusterId: scope.clusters['kafka-cluster'] });
    }),
  );
});
