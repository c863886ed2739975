/** The way to the leader of the registry: addresses change, leaders die, some requests may not be repeated. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpAddress, LeaderForwarding } from '../../../src/http/leader-forwarding.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';

const REQUEST = { method: 'POST', url: '/subjects/a%2Fb/versions?normalize=true', body: '{"schema":"ü"}' };
const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const closing of open.splice(0)) closing.close();
});

interface Heard {
  readonly request: IncomingMessage;
  readonly body: string;
}

class Leader {
  readonly heard: Heard[] = [];
  readonly server: Server;
  /** What it answers; null cuts the connection. */
  answer: { status: number; body: string } | 'silence' | null = { status: 200, body: '{"id":1}' };

  constructor() {
    this.server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (part: string) => {
        body += part;
      });
      request.on('end', () => {
        this.heard.push({ request, body });
        if (this.answer === null) request.socket.destroy();
        else if (this.answer !== 'silence') response.writeHead(this.answer.status).end(this.answer.body);
      });
    });
    open.push(this.server);
  }

  async listen(): Promise<HttpAddress> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return { host: '127.0.0.1', port: (this.server.address() as AddressInfo).port };
  }
}

class Desk {
  isLeader = false;
  address: HttpAddress | null = null;
  hasTopic = true;
  created = 0;
  looks = 0;
  /** What has changed when the leader is looked for the n-th time. */
  onLook: (look: number) => void = () => {};
  readonly forwarding: LeaderForwarding;

  constructor(timeoutMs = 5000) {
    this.forwarding = new LeaderForwarding({
      isLeader: () => this.isLeader,
      leader: () => {
        this.onLook(++this.looks);
        return this.address;
      },
      hasTopic: () => this.hasTopic,
      createTopic: async () => {
        this.created++;
      },
      clock: new SystemClock(),
      logger: silentLogger,
      timeoutMs,
      attemptTimeoutMs: 200,
    });
    open.push(this.forwarding);
  }
}

describe('a request for the leader', () => {
  it('arrives as it was, marked as passed on, and so does the answer', async () => {
    const [leader, desk] = [new Leader(), new Desk()];
    desk.address = await leader.listen();
    leader.answer = { status: 409, body: '{"error_code":409}' };
    expect(await desk.forwarding.forward(REQUEST)).toEqual({ status: 409, body: '{"error_code":409}' });
    expect(leader.heard.map(({ request, body }) => [request.method, request.url, body])).toEqual([
      ['POST', REQUEST.url, REQUEST.body],
    ]);
    expect(leader.heard[0]?.request.headers).toMatchObject({ 'x-forward': 'true' });
  });

  it('waits for a leader, and has the topic made when there is none', async () => {
    const [leader, desk] = [new Leader(), new Desk()];
    const address = await leader.listen();
    desk.hasTopic = false;
    desk.onLook = (look) => {
      if (look === 2) desk.hasTopic = true;
      if (look === 4) desk.address = address;
    };
    expect(await desk.forwarding.forward(REQUEST)).toMatchObject({ status: 200 });
    expect(desk.created).toBe(1);
  });

  it('is answered here when this broker has become the leader', async () => {
    const desk = new Desk();
    desk.onLook = () => {
      desk.isLeader = true;
    };
    expect(await desk.forwarding.forward(REQUEST)).toBeNull();
  });

  it('goes to the next leader when the first refuses connections, has died or leads no more', async () => {
    const [first, next, desk] = [new Leader(), new Leader(), new Desk()];
    const [firstAddress, nextAddress] = [await first.listen(), await next.listen()];
    desk.onLook = (look) => {
      desk.address = [{ host: '127.0.0.1', port: 1 }, firstAddress, firstAddress, nextAddress][look - 1] ?? null;
      first.answer = look === 2 ? null : { status: 500, body: '{"error_code":50004,"message":"Leader not known."}' };
    };
    expect(await desk.forwarding.forward(REQUEST)).toMatchObject({ status: 200 });
    expect([first.heard.length, next.heard.length]).toEqual([2, 1]);
  });

  it('goes to the next leader when the first says nothing', async () => {
    const [first, next, desk] = [new Leader(), new Leader(), new Desk()];
    const [firstAddress, nextAddress] = [await first.listen(), await next.listen()];
    first.answer = 'silence';
    desk.onLook = (look) => {
      desk.address = look === 1 ? firstAddress : nextAddress;
    };
    expect(await desk.forwarding.forward(REQUEST)).toMatchObject({ status: 200 });
    expect([first.heard.length, next.heard.length]).toEqual([1, 1]);
  });

  it('is not repeated when it deletes and may have been done', async () => {
    const [leader, desk] = [new Leader(), new Desk()];
    const address = await leader.listen();
    leader.answer = null;
    desk.onLook = (look) => {
      desk.address = look === 1 ? { host: '127.0.0.1', port: 1 } : address;
    };
    const deletion = { method: 'DELETE', url: '/subjects/s', body: '' };
    await expect(desk.forwarding.forward(deletion)).rejects.toMatchObject({ code: 50003 });
    expect(leader.heard.length).toBe(1);
  });

  it('is given up after some time', async () => {
    const desk = new Desk(150);
    await expect(desk.forwarding.forward(REQUEST)).rejects.toMatchObject({ code: 50004 });
    desk.address = { host: '127.0.0.1', port: 1 };
    await expect(desk.forwarding.forward(REQUEST)).rejects.toMatchObject({ code: 50003 });
  });

  it('is told at once when too many wait', async () => {
    const desk = new Desk(300);
    const waiting = Array.from({ length: 1000 }, () => desk.forwarding.forward(REQUEST).catch(() => 'given up'));
    await expect(desk.forwarding.forward(REQUEST)).rejects.toMatchObject({ code: 50004 });
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['given up']));
  });
});
