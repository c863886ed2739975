/**
 * @pure FindCoordinator names the broker that coordinates a group (keyType 0) or a transaction (1).
 *
 * v1 adds keyType, errorMessage and throttleTimeMs. v3 is flexible. v4 asks for many keys at once (KIP-699). v5 may
 * answer TRANSACTION_ABORTABLE (KIP-890). v6 allows share groups as keyType 2 (KIP-932).
 */
import { array, defineApi, errorCode, int32, int8, string } from '../schema.ts';

export const FindCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  validVersions: '0-6',
  flexibleVersions: '3+',
  request: {
    key: string({ versions: '0-3' }),
    keyType: int8({ versions: '1+', default: 0 }),
    coordinatorKeys: array(string(), { versions: '4+', default: [] }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    errorCode: errorCode({ versions: '0-3' }),
    errorMessage: string({ versions: '1-3', nullable: '1-3', ignorable: true }),
    nodeId: int32({ versions: '0-3' }),
    host: string({ versions: '0-3' }),
    port: int32({ versions: '0-3' }),
    coordinators: array(
      {
        key: string({ versions: '4+' }),
        nodeId: int32({ versions: '4+' }),
        host: string({ versions: '4+' }),
        port: int32({ versions: '4+' }),
        errorCode: errorCode({ versions: '4+' }),
        errorMessage: string({ versions: '4+', nullable: '4+', ignorable: true }),
      },
      { versions: '4+', default: [] },
    ),
  },
});
