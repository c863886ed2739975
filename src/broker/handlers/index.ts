/** THE list of what this broker answers, by API key. Dispatch and ApiVersions come from it: one line per API. */
import type { Handler } from '../handler.ts';
import { metadata } from './03-metadata.ts';
import { apiVersions } from './18-api-versions.ts';
import { initProducerId } from './22-init-producer-id.ts';
import { describeConfigs } from './32-describe-configs.ts';
import { describeCluster } from './60-describe-cluster.ts';

export const ALL_HANDLERS: readonly Handler[] = [
  metadata,
  apiVersions,
  initProducerId,
  describeConfigs,
  describeCluster,
];
