/** A group's offsets, and places in partitions, for whoever is no member of the group. */
import type { ClusterClient } from '../client/cluster-client.ts';
import { ApiError } from '../client/api-error.ts';
import { Coordinators } from '../client/coordinators.ts';
import type { GroupOffset } from '../client/group-admin.ts';
import { askLeaders } from '../client/leader-questions.ts';
import { commitMemberOffsets, memberOffsets } from '../client/member-offsets.ts';
import { lookUpOffsets, type OffsetQuestion } from '../client/offset-lookup.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import type { PartitionPlace } from './consumer-state.ts';

const NO_GENERATION = -1;

export class GroupOffsets {
  readonly #cluster: ClusterClient;
  readonly #coordinators: Coordinators;
  readonly #groupId: string;

  constructor(cluster: ClusterClient, groupId: string) {
    this.#cluster = cluster;
    this.#coordinators = new Coordinators(cluster);
    this.#groupId = groupId;
  }

  /** Partitions without an offset are left out. @throws ApiError */
  async committed(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (GroupOffset & { readonly metadata: string })[]> {
    if (partitions.length === 0) return [];
    return memberOffsets(this.#cluster, this.#coordinators, this.#groupId, partitions, false);
  }

  /** The coordinator refuses it while the group has members. @throws ApiError */
  async commit(offsets: readonly GroupOffset[], deadline: number): Promise<void> {
    if (offsets.length === 0) return;
    const nobody = { groupId: this.#groupId, memberId: '', generationId: NO_GENERATION, groupInstanceId: null };
    const failure = await commitMemberOffsets(this.#cluster, this.#coordinators, nobody, offsets, deadline);
    if (failure !== null) throw failure;
  }

  /** The first record of each partition that is as late as asked, or the end where none is. @throws ApiError */
  async placesAt(questions: readonly OffsetQuestion[], deadline: number): Promise<readonly PartitionPlace[]> {
    const answers = await askLeaders(this.#cluster, questions, 'offsetsForTimes', deadline, (leader, of) =>
      lookUpOffsets(this.#cluster, leader, of),
    );
    return answers.map((answer) => {
      const { topic, partition, error } = answer;
      if (error !== 'NONE' || !('offset' in answer)) throw ApiError.named(error);
      return { topic, partition, start: answer.offset < 0 ? ('latest' as const) : answer.offset };
    });
  }
}
