/** Bodies that are read as a whole by our own code, where fastify would not read them or would not count what comes. */
import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { HttpProblem } from './problem.ts';

/**
 * The body as a text, read to its end. The connection stays whatever happens, for the refusal.
 * @param refusalOf so many more bytes; null when they may come. Called before they are kept
 * @throws the refusal; HttpProblem 400 when the client went away, and nobody reads it
 */
export async function wholeBody(body: IncomingMessage, refusalOf: (bytes: number) => Error | null): Promise<string> {
  const chunks: Buffer[] = [];
  const arriving: AsyncIterable<Buffer> = body.iterator({ destroyOnReturn: false });
  try {
    for await (const chunk of arriving) {
      const refusal = refusalOf(chunk.length);
      if (refusal !== null) throw refusal;
      chunks.push(chunk);
    }
  } catch (error) {
    if (body.aborted) throw new HttpProblem(400);
    // The rest is not wanted, but whoever still sends would not hear of it before it is read.
    body.resume();
    throw error;
  }
  return Buffer.concat(chunks).toString();
}
