/** @pure The list of every API whose messages are declared: one file per API, numbered by its key. */
import { Produce } from './00-produce.ts';
import { Fetch } from './01-fetch.ts';
import { ListOffsets } from './02-list-offsets.ts';
import { Metadata } from './03-metadata.ts';
import { LeaderAndIsr } from './04-leader-and-isr.ts';
import { StopReplica } from './05-stop-replica.ts';
import { UpdateMetadata } from './06-update-metadata.ts';
import { ControlledShutdown } from './07-controlled-shutdown.ts';
import { ApiVersions } from './18-api-versions.ts';
import { CreateTopics } from './19-create-topics.ts';
import { DeleteTopics } from './20-delete-topics.ts';
import { InitProducerId } from './22-init-producer-id.ts';
import { OffsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts';
import { DescribeConfigs } from './32-describe-configs.ts';
import { DescribeLogDirs } from './35-describe-log-dirs.ts';
import { CreatePartitions } from './37-create-partitions.ts';
import { ElectLeaders } from './43-elect-leaders.ts';
import { AlterPartition } from './56-alter-partition.ts';
import { DescribeCluster } from './60-describe-cluster.ts';
import { AllocateProducerIds } from './67-allocate-producer-ids.ts';
import type { Api } from '../schema.ts';

export const ALL_APIS: readonly Api[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  LeaderAndIsr,
  StopReplica,
  UpdateMetadata,
  ControlledShutdown,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeConfigs,
  DescribeLogDirs,
  CreatePartitions,
  ElectLeaders,
  AlterPartition,
  DescribeCluster,
  AllocateProducerIds,
];

const API_BY_KEY = new Map(ALL_APIS.map((api) => [api.key, api]));

export function apiByKey(key: number): Api | undefined {
  return API_BY_KEY.get(key);
}

export {
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  LeaderAndIsr,
  StopReplica,
  UpdateMetadata,
  ControlledShutdown,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeConfigs,
  DescribeLogDirs,
  CreatePartitions,
  ElectLeaders,
  AlterPartition,
  DescribeCluster,
  AllocateProducerIds,
};
