/** THE list of what this broker answers, by API key. Dispatch and ApiVersions come from it: one line per API. */
import type { BrokerConfig } from '../../config/broker-config.ts';
import type { Handler } from '../handler.ts';
import { produce } from './00-produce.ts';
import { fetch } from './01-fetch.ts';
import { listOffsets } from './02-list-offsets.ts';
import { metadata } from './03-metadata.ts';
import { leaderAndIsr } from './04-leader-and-isr.ts';
import { stopReplica } from './05-stop-replica.ts';
import { updateMetadata } from './06-update-metadata.ts';
import { controlledShutdown } from './07-controlled-shutdown.ts';
import { offsetCommit } from './08-offset-commit.ts';
import { offsetFetch } from './09-offset-fetch.ts';
import { findCoordinator } from './10-find-coordinator.ts';
import { joinGroup } from './11-join-group.ts';
import { heartbeat } from './12-heartbeat.ts';
import { leaveGroup } from './13-leave-group.ts';
import { syncGroup } from './14-sync-group.ts';
import { describeGroups } from './15-describe-groups.ts';
import { listGroups } from './16-list-groups.ts';
import { apiVersions } from './18-api-versions.ts';
import { createTopics } from './19-create-topics.ts';
import { deleteTopics } from './20-delete-topics.ts';
import { deleteRecords } from './21-delete-records.ts';
import { initProducerId } from './22-init-producer-id.ts';
import { offsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts';
import { describeConfigs } from './32-describe-configs.ts';
import { alterConfigs } from './33-alter-configs.ts';
import { describeLogDirs } from './35-describe-log-dirs.ts';
import { createPartitions } from './37-create-partitions.ts';
import { deleteGroups } from './42-delete-groups.ts';
import { electLeaders } from './43-elect-leaders.ts';
import { incrementalAlterConfigs } from './44-incremental-alter-configs.ts';
import { offsetDelete } from './47-offset-delete.ts';
import { alterPartition } from './56-alter-partition.ts';
import { describeCluster } from './60-describe-cluster.ts';
import { allocateProducerIds } from './67-allocate-producer-ids.ts';
import { consumerGroupHeartbeat } from './68-consumer-group-heartbeat.ts';
import { consumerGroupDescribe } from './69-consumer-group-describe.ts';

export const ALL_HANDLERS: readonly Handler[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  leaderAndIsr,
  stopReplica,
  updateMetadata,
  controlledShutdown,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeConfigs,
  alterConfigs,
  describeLogDirs,
  createPartitions,
  deleteGroups,
  electLeaders,
  incrementalAlterConfigs,
  offsetDelete,
  alterPartition,
  describeCluster,
  allocateProducerIds,
  consumerGroupHeartbeat,
  consumerGroupDescribe,
];

const CONSUMER_PROTOCOL: ReadonlySet<Handler> = new Set([consumerGroupHeartbeat, consumerGroupDescribe]);

/** What a broker with these settings answers. */
export function handlersOf(config: Pick<BrokerConfig, 'groupCoordinatorRebalanceProtocols'>): readonly Handler[] {
  const hasConsumerProtocol = config.groupCoordinatorRebalanceProtocols.includes('consumer');
  return hasConsumerProtocol ? ALL_HANDLERS : ALL_HANDLERS.filter((handler) => !CONSUMER_PROTOCOL.has(handler));
}
