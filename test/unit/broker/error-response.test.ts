/** Every API has an answer for "all of it failed", in every version, that names what was asked about. */
import { describe, expect, it } from 'vitest';
import { deriveErrorResponse } from '../../../src/broker/error-response.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { decodeResponse, encodeResponse } from '../../../src/protocol/frame.ts';
import { Produce } from '../../../src/protocol/messages/00-produce.ts';
import { Metadata } from '../../../src/protocol/messages/03-metadata.ts';
import { FindCoordinator } from '../../../src/protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../../src/protocol/messages/11-join-group.ts';
import { DescribeGroups } from '../../../src/protocol/messages/15-describe-groups.ts';
import { CreateTopics } from '../../../src/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../../src/protocol/messages/20-delete-topics.ts';
import { DescribeConfigs } from '../../../src/protocol/messages/32-describe-configs.ts';
import { DeleteGroups } from '../../../src/protocol/messages/42-delete-groups.ts';
import { ElectLeaders } from '../../../src/protocol/messages/43-elect-leaders.ts';
import { ALL_APIS } from '../../../src/protocol/messages/index.ts';
import type { Api, ResponseOut } from '../../../src/protocol/schema.ts';

/** The derived answer as a client of that version reads it. */
function answer<A extends Api>(api: A, version: number, request: unknown): ResponseOut<A> {
  const derived = deriveErrorResponse(api, version, request, 'CLUSTER_AUTHORIZATION_FAILED', 'because');
  return decodeResponse(api, version, encodeResponse(api, version, 1, derived).subarray(4)).response;
}

const errorCode = Errors.CLUSTER_AUTHORIZATION_FAILED;

describe('the derived error response', () => {
  const versions = ALL_APIS.flatMap((api: Api) =>
    Array.from({ length: api.highestVersion - api.lowestVersion + 1 }, (_, index): [string, number, Api] => [
      api.name,
      api.lowestVersion + index,
      api,
    ]),
  );
  it.each(versions)('of %s v%i can be encoded', (_name, version, api) => {
    expect(() => answer(api, version, {})).not.toThrow();
  });

  it('names every partition of a Produce', () => {
    const topicData = [
      {
        name: 't',
        partitionData: [
          { index: 3, records: null },
          { index: 4, records: null },
        ],
      },
    ];
    expect(answer(Produce, 3, { topicData }).responses).toMatchObject([
      {
        name: 't',
        partitionResponses: [
          { index: 3, errorCode, baseOffset: 0 },
          { index: 4, errorCode },
        ],
      },
    ]);
  });

  it('names topics that were asked for by structs or by names alone', () => {
    expect(answer(CreateTopics, 7, { topics: [{ name: 'a' }] }).topics).toMatchObject([
      { name: 'a', errorCode, errorMessage: 'because' },
    ]);
    expect(answer(DeleteTopics, 3, { topicNames: ['a', 'b'] }).responses).toMatchObject([
      { name: 'a', errorCode },
      { name: 'b', errorCode },
    ]);
    expect(answer(Metadata, 5, { topics: [{ name: 'a' }] }).topics).toMatchObject([{ name: 'a', errorCode }]);
  });

  it('names resources and partitions, and leaves out what the version does not have', () => {
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: null }];
    expect(answer(DescribeConfigs, 1, { resources }).results).toMatchObject([
      { resourceType: 2, resourceName: 't', errorCode, errorMessage: 'because', configs: [] },
    ]);
    const topicPartitions = [{ topic: 't', partitions: [1, 2] }];
    const expected = [
      {
        topic: 't',
        partitionResult: [
          { partitionId: 1, errorCode, errorMessage: 'because' },
          { partitionId: 2, errorCode, errorMessage: 'because' },
        ],
      },
    ];
    expect(answer(ElectLeaders, 0, { topicPartitions }).replicaElectionResults).toEqual(expected);
    expect(answer(ElectLeaders, 2, { topicPartitions })).toMatchObject({
      errorCode,
      replicaElectionResults: expected,
    });
  });

  it('names groups and the keys of coordinators', () => {
    expect(answer(DescribeGroups, 5, { groups: ['a', 'b'] }).groups).toMatchObject([
      { groupId: 'a', errorCode },
      { groupId: 'b', errorCode },
    ]);
    expect(answer(DeleteGroups, 2, { groupsNames: ['a'] }).results).toEqual([{ groupId: 'a', errorCode }]);
    expect(answer(FindCoordinator, 4, { coordinatorKeys: ['a'] }).coordinators).toMatchObject([
      { key: 'a', errorCode, errorMessage: 'because' },
    ]);
    expect(answer(FindCoordinator, 3, { key: 'a' })).toMatchObject({ errorCode, errorMessage: 'because' });
  });

  it('is null only where the version allows it', () => {
    expect(answer(JoinGroup, 6, {})).toMatchObject({ errorCode, protocolName: '' });
    expect(answer(JoinGroup, 7, {})).toMatchObject({ errorCode, protocolName: null });
  });
});
