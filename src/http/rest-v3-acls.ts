/**
 * ACLs in the API v3. There is no authorizer, so there are none to be listed, created or deleted: who asks is told so,
 * as a Kafka without one tells.
 */
import { KafkaError } from '../protocol/errors.ts';
import { badRequest } from '../rest/rest-errors.ts';
import { requireBody } from '../rest/v3-bodies.ts';
import type { V3Call, V3Routes } from './rest-v3-call.ts';
import { describeV3, paramsOf } from './rest-v3-descriptions.ts';

/** What a deletion has to say, so that nobody deletes all by saying nothing; a search means any. */
const FILTER = ['resource_type', 'pattern_type', 'operation', 'permission'];
const NO_AUTHORIZER = 'No Authorizer is configured.';

export function aclRoutes(routes: V3Routes): void {
  const params = paramsOf();
  const refusal = { params, description: 'Refused: the cluster has no authorizer', answers: {} };
  routes.on('GET', '/acls', describeV3('Searches ACLs', refusal), async (call) => {
    requireFilter(call, 'any', 'cannot be UNKNOWN');
    throw new KafkaError('SECURITY_DISABLED', 'No Authorizer is configured on the broker');
  });
  routes.on('DELETE', '/acls', describeV3('Deletes ACLs', refusal), async (call) => {
    requireFilter(call, 'unknown', 'cannot be unspecified or UNKNOWN');
    throw new KafkaError('SECURITY_DISABLED', NO_AUTHORIZER);
  });
  for (const [path, summary] of [
    ['/acls', 'Creates an ACL'],
    ['/acls::batch', 'Creates ACLs'],
  ] as const)
    routes.on('POST', path, describeV3(summary, refusal), async ({ body }) => {
      requireBody(body);
      throw new KafkaError('SECURITY_DISABLED', NO_AUTHORIZER);
    });
}

function requireFilter(call: V3Call, missing: string, why: string): void {
  const unknown = FILTER.find((name) => (call.query(name) ?? missing).toUpperCase() === 'UNKNOWN');
  if (unknown !== undefined) throw badRequest(`${unknown} ${why}`);
}
