/**
 * A client of server-sent events as browsers have one (WHATWG HTML, 9.2): reads the stream by the rules, remembers the
 * last id. Connecting again is up to the test.
 */
import { request, type IncomingMessage } from 'node:http';

export interface ServerEvent {
  readonly type: string;
  readonly id: string;
  readonly data: string;
}

export class EventSourceClient {
  readonly #response: IncomingMessage;
  readonly #events: ServerEvent[] = [];
  #waiting: (() => void)[] = [];
  #buffer = '';
  #fields = { type: '', data: [] as string[], id: '' };
  lastEventId = '';
  retryMs: number | null = null;
  comments = 0;
  isClosed = false;
  /** Its end was said, and it was not cut off. */
  isWhole = false;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#read(text));
    const close = (): void => {
      this.isClosed = true;
      this.#wake();
    };
    response.once('end', () => {
      this.isWhole = true;
    });
    response.on('end', close).on('error', close).on('close', close);
  }

  /** Rejects with the status and the body when the answer is no stream of events. */
  static open(url: string, lastEventId = '', localAddress = '127.0.0.1'): Promise<EventSourceClient> {
    return new Promise((resolve, reject) => {
      const headers = { accept: 'text/event-stream', ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }) };
      const sent = request(url, { headers, agent: false, localAddress }, (response) => {
        const isStream = response.headers['content-type']?.startsWith('text/event-stream');
        if (response.statusCode === 200 && isStream) resolve(new EventSourceClient(response));
        else {
          let body = '';
          response.on('data', (bytes: Buffer) => {
            body += bytes.toString();
          });
          response.on('end', () => reject(new Error(`${response.statusCode} ${body}`)));
        }
      });
      sent.once('error', reject).end();
    });
  }

  get headers(): IncomingMessage['headers'] {
    return this.#response.headers;
  }

  /** The next one, or null when there will be none. */
  async next(): Promise<ServerEvent | null> {
    while (this.#events.length === 0 && !this.isClosed) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this.#events.shift() ?? null;
  }

  async take(count: number): Promise<ServerEvent[]> {
    const taken: ServerEvent[] = [];
    while (taken.length < count) {
      const event = await this.next();
      if (event === null) throw new Error(`closed after ${taken.length} of ${count} events`);
      taken.push(event);
    }
    return taken;
  }

  /** Reads nothing from the connection any more, until resume(). */
  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  close(): void {
    this.#response.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #read(text: string): void {
    this.#buffer += text;
    for (;;) {
      const match = /\r\n|\n|\r(?!$)/.exec(this.#buffer);
      if (match === null) return;
      const line = this.#buffer.slice(0, match.index);
      this.#buffer = this.#buffer.slice(match.index + match[0].length);
      this.#line(line);
    }
  }

  #line(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const [, field = '', value = ''] = /^([^:]*)(?:: ?([\s\S]*))?$/.exec(line) ?? [];
    if (field === '') this.comments++;
    else if (field === 'event') this.#fields.type = value;
    else if (field === 'data') this.#fields.data.push(value);
    else if (field === 'id') this.#fields.id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(): void {
    const { type, data, id } = this.#fields;
    this.lastEventId = id;
    this.#fields = { type: '', data: [], id };
    if (data.length === 0) return;
    this.#events.push({ type: type === '' ? 'message' : type, id, data: data.join('\n') });
    this.#wake();
  }
}
