/**
 * @pure ApiVersions: what the broker can do. Everybody's first request.
 *
 * v1 adds throttleTimeMs. v3 is flexible, but its response header stays v0, and it adds the client's name and
 * version (KIP-511) and the features (KIP-584). v4 allows a feature's minVersion of 0 (KAFKA-17011). A request of an
 * unknown version is answered with v0 and UNSUPPORTED_VERSION.
 */
import { array, bool, defineApi, errorCode, int16, int32, int64, string } from '../schema.ts';

export const ApiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  validVersions: '0-4',
  flexibleVersions: '3+',
  request: {
    clientSoftwareName: string({ versions: '3+', default: '', ignorable: true }),
    clientSoftwareVersion: string({ versions: '3+', default: '', ignorable: true }),
  },
  response: {
    errorCode: errorCode(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    supportedFeatures: array(
      {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      },
      { versions: '3+', ignorable: true, tag: 0 },
    ),
    finalizedFeaturesEpoch: int64({ versions: '3+', default: -1, ignorable: true, tag: 1 }),
    finalizedFeatures: array(
      {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      },
      { versions: '3+', ignorable: true, tag: 2 },
    ),
    zkMigrationReady: bool({ versions: '3+', default: false, ignorable: true, tag: 3 }),
  },
});
