/**
 * curl as far as documentations use it: a line of a shell in, what the server answers out. By itself, so that tests
 * need no curl.
 */
import { request } from 'node:http';

export interface CurlAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface CurlRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: ReadonlyMap<string, string>;
  readonly data: string | null;
}

/** Sends what the line says. */
export function curl(line: string): Promise<CurlAnswer> {
  const { method, url, headers, data } = curlRequest(line);
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: Object.fromEntries(headers) }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        const contentType = response.headers['content-type'] ?? '';
        resolve({ status: response.statusCode ?? 0, contentType, body: Buffer.concat(parts).toString() });
      });
    });
    sent.once('error', reject);
    sent.end(data ?? undefined);
  });
}

/** Options without a word of their own that change nothing of what is sent. */
const QUIET = /^(-[sSfivN]+|--(silent|show-error|include|no-buffer|verbose|fail))$/;

function curlRequest(line: string): CurlRequest {
  const [command, ...words] = shellWords(line);
  if (command !== 'curl') throw new Error(`not a line of curl: ${line}`);
  const headers = new Map([
    ['accept', '*/*'],
    ['user-agent', 'curl/8.0.0'],
  ]);
  let method: string | null = null;
  let address: string | null = null;
  const data: string[] = [];
  while (words.length > 0) {
    const word = words.shift() ?? '';
    if (/^(-X|--request)$/.test(word)) method = words.shift() ?? '';
    else if (/^(-d|--data|--data-raw|--data-binary)$/.test(word)) data.push(words.shift() ?? '');
    else if (/^(-H|--header)$/.test(word)) addHeader(headers, words.shift() ?? '');
    else if (word.startsWith('-') && !QUIET.test(word)) throw new Error(`an option that nobody taught us: ${word}`);
    else if (!word.startsWith('-')) address = word;
  }
  if (address === null) throw new Error(`no address: ${line}`);
  if (data.length > 0 && !headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded');
  const body = data.length === 0 ? null : data.join('&');
  if (body !== null && !headers.has('transfer-encoding'))
    headers.set('content-length', String(Buffer.byteLength(body)));
  const url = new URL(address.includes('://') ? address : `http://${address}`);
  return { method: method ?? (body === null ? 'GET' : 'POST'), url, headers, data: body };
}

function addHeader(headers: Map<string, string>, header: string): void {
  const colon = header.indexOf(':');
  headers.set(header.slice(0, colon).trim().toLowerCase(), header.slice(colon + 1).trim());
}

/** Words of a shell: quotes of both kinds, backslashes, lines that go on. */
function shellWords(line: string): string[] {
  const parts = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|((?:\s|\\\n)+)|\\([\s\S])|([^\s'"\\]+)/g;
  const words: string[] = [];
  let word: string | null = null;
  for (const [, single, double, space, escaped, plain] of line.trim().matchAll(parts)) {
    if (space !== undefined) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? '');
  }
  if (word !== null) words.push(word);
  return words;
}
