/** A client of consumer instances of the REST Proxy, as curl would be one. */
import { httpRequest, type HttpAnswer } from './http-request.ts';

export const V2 = 'application/vnd.kafka.v2+json';
export const v2TypeOf = (format: string) => `application/vnd.kafka.${format}.v2+json`;

export interface RestRecord {
  readonly topic: string;
  readonly key: unknown;
  readonly value: unknown;
  readonly partition: number;
  readonly offset: number;
}

export interface Partition {
  readonly topic: string;
  readonly partition: number;
}

export interface Offset extends Partition {
  readonly offset: number;
  readonly metadata?: string;
}

/** One instance. What is refused is thrown, unless it is asked for with ask(). */
export class RestConsumer {
  readonly uri: string;
  readonly #format: string;

  constructor(uri: string, format: string) {
    this.uri = uri;
    this.#format = format;
  }

  /** @param settings as in the body of the request; `format` is binary when left out */
  static async create(base: string, group: string, settings: Readonly<Record<string, string>> = {}) {
    const answer = await httpRequest('POST', `${base}/consumers/${group}`, V2, settings);
    const { base_uri: uri } = bodyOf(answer) as { readonly base_uri: string };
    return new RestConsumer(uri, settings['format'] ?? 'binary');
  }

  ask(method: string, path: string, body?: unknown, accept = V2): Promise<HttpAnswer> {
    return httpRequest(method, this.uri + path, accept, body);
  }

  async #done(method: string, path: string, body?: unknown): Promise<unknown> {
    return bodyOf(await this.ask(method, path, body));
  }

  async subscribe(...topics: string[]): Promise<void> {
    await this.#done('POST', '/subscription', { topics });
  }

  async assign(...partitions: Partition[]): Promise<void> {
    await this.#done('POST', '/assignments', { partitions });
  }

  async assignment(): Promise<readonly Partition[]> {
    const { partitions } = (await this.#done('GET', '/assignments')) as { readonly partitions: readonly Partition[] };
    return partitions;
  }

  async records(query = ''): Promise<readonly RestRecord[]> {
    const answer = await this.ask('GET', `/records${query}`, undefined, v2TypeOf(this.#format));
    return bodyOf(answer) as RestRecord[];
  }

  /** Without offsets: all that was read. */
  async commit(offsets?: readonly Offset[]): Promise<void> {
    await this.#done('POST', '/offsets', offsets === undefined ? undefined : { offsets });
  }

  async committed(...partitions: Partition[]): Promise<readonly Offset[]> {
    const { offsets } = (await this.#done('GET', '/offsets', { partitions })) as {
      readonly offsets: readonly Offset[];
    };
    return offsets;
  }

  async seek(...offsets: Offset[]): Promise<void> {
    await this.#done('POST', '/positions', { offsets });
  }

  async seekTo(place: 'beginning' | 'end', ...partitions: Partition[]): Promise<void> {
    await this.#done('POST', `/positions/${place}`, { partitions });
  }

  async delete(): Promise<void> {
    await this.#done('DELETE', '');
  }
}

function bodyOf({ status, body }: HttpAnswer): unknown {
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}
