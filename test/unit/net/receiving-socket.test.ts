/** Both ways of receiving give the same bytes; only the memory they land in differs. */
import * as net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { receiveOn, unsentBytes } from '../../../src/net/receiving-socket.ts';
import { eventually } from '../../support/eventually.ts';

const opened: { close?(): unknown; destroy?(): unknown }[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) one.destroy === undefined ? one.close?.() : one.destroy();
});

async function accept(inPlace: boolean) {
  const target = Buffer.alloc(1000);
  const reads: { count: number; isOurs: boolean; text: string }[] = [];
  const receiver = {
    buffer: () => target,
    received: (count: number, buffer: Buffer) => {
      reads.push({ count, isOurs: buffer.buffer === target.buffer, text: buffer.toString('latin1', 0, count) });
    },
  };
  const server = net.createServer({ pauseOnConnect: true });
  const accepted = new Promise<net.Socket>((resolve) =>
    server.on('connection', (socket) => resolve(receiveOn(socket, receiver, inPlace))),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const socket = await accepted;
  opened.push(server, client, socket);
  return { server, client, socket, reads };
}

describe.each([true, false])('an accepted socket (in place: %s)', (inPlace) => {
  it('gives what was sent once it is resumed', async () => {
    const { client, socket, reads } = await accept(inPlace);
    client.write('hello');
    socket.resume();
    await eventually(() => reads.length > 0, { intervalMs: 1 });
    expect(reads).toEqual([{ count: 5, isOurs: inPlace, text: 'hello' }]);
  });

  it('tells of the end, knows the addresses, and lets its server close', async () => {
    const { server, client, socket } = await accept(inPlace);
    expect(socket.remotePort).toBe(client.localPort);
    const ended = new Promise((resolve) => socket.on('end', resolve));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.resume();
    client.end();
    await ended;
    await closed;
    await new Promise((resolve) => server.close(resolve));
  });

  it('says how much of what was written the other side has not taken', async () => {
    const { client, socket } = await accept(inPlace);
    client.pause();
    socket.write(Buffer.alloc(50_000_000));
    await new Promise((resolve) => setImmediate(resolve));
    const before = unsentBytes(socket);
    expect(before).toBeGreaterThan(10_000_000);
    client.resume();
    await eventually(() => unsentBytes(socket) === 0, { intervalMs: 1 });
  });
});
