/** One request of HTTP with any method and a body if need be, also a GET, which fetch() would not send with one. */
import { request } from 'node:http';

export interface HttpAnswer {
  readonly status: number;
  readonly type: string | null;
  /** Of its JSON; null without a body. */
  readonly body: unknown;
}

export function httpRequest(method: string, uri: string, accept: string, body?: unknown): Promise<HttpAnswer> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    accept,
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/vnd.kafka.v2+json', 'content-length': Buffer.byteLength(text) }),
  };
  return new Promise((resolve, reject) => {
    request(uri, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const answered = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? null,
          body: answered === '' ? null : (JSON.parse(answered) as unknown),
        });
      });
    })
      .on('error', reject)
      .end(text);
  });
}
