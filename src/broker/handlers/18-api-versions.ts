/**
 * ApiVersions v0-4: what this broker can do. Everybody's first request, on every connection.
 *
 * Behaviour: the list of all handlers, whoever asks. An unknown version never comes here: dispatch answers it in v0
 * with UNSUPPORTED_VERSION (KIP-511). No features are told of: without KRaft there are none that a client could use.
 * Versions: from v3 on the client says its name and version, which must look like one (INVALID_REQUEST otherwise).
 */
import { KafkaError } from '../../protocol/errors.ts';
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts';
import { handler } from '../handler.ts';

const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
/** Names are kept per connection and may become labels of metrics. */
const MAX_SOFTWARE_NAME_LENGTH = 256;

export const apiVersions = handler(ApiVersions, { versions: '0-4' }, (context, request) => {
  if (context.version >= 3) {
    const { clientSoftwareName: name, clientSoftwareVersion: version } = request;
    if (!isSoftwareName(name) || !isSoftwareName(version)) throw new KafkaError('INVALID_REQUEST');
    context.connection.clientSoftware = { name, version };
  }
  return { errorCode: 0, apiKeys: context.supportedApis };
});

function isSoftwareName(text: string): boolean {
  return text.length <= MAX_SOFTWARE_NAME_LENGTH && SOFTWARE_NAME.test(text);
}
