/** Which statuses and codes the errors of Kafka's clients have over HTTP. */
import { expect, test } from 'vitest';
import { ApiError } from '../../../src/client/api-error.ts';
import { recordErrorCode, restErrorOf } from '../../../src/rest/rest-errors.ts';

test.each([
  ['Topic t not present in metadata after 300 ms.', 404, 40401],
  ['Partition 9 of topic t with partition count 1 is not present in metadata.', 404, 40402],
  ['Expiring 1 record(s) for t-0:30000 ms has passed since batch creation', 500, 50003],
])('%s', (message, status, code) => {
  const error = new ApiError('TimeoutException', message);
  expect(restErrorOf(error)).toMatchObject({ message, status, code });
  expect(recordErrorCode(error)).toBe(50003);
});
