/**
 * @pure AlterConfigs: all overrides of a resource at once; what is not named is removed.
 *
 * v1 says the same as v0. v2 is flexible.
 */
import { array, bool, defineApi, errorCode, int32, int8, string } from '../schema.ts';

export const AlterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  validVersions: '0-2',
  flexibleVersions: '2+',
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: '0+' }),
      }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      errorCode: errorCode(),
      errorMessage: string({ nullable: '0+' }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
});
