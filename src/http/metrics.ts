/** `/metrics`, for Prometheus, as a stream; and the view of the whole cluster at `/metrics/exporter`. */
import { Readable } from 'node:stream';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from '../lib/logger.ts';
import { CONTENT_TYPE } from '../metrics/exposition.ts';
import { describer, STRING } from './api-description.ts';

const describe = describer('Health and metrics', { produces: [CONTENT_TYPE] });

/** Makes the text of one scrape. */
export type Scrape = () => AsyncIterable<string>;

/** A scrape that fails half way is cut off, and Prometheus takes none of it. */
export function metricsRoute(path: string, summary: string, scrape: Scrape, logger: Logger): FastifyPluginAsync {
  async function* whole(): AsyncGenerator<string, void, undefined> {
    try {
      yield* scrape();
    } catch (error) {
      logger.error(`The metrics at ${path} could not be read`, error);
      throw error;
    }
  }
  return async (app) => {
    app.get(path, { schema: describe(summary, { answer: STRING }) }, (_request, reply) =>
      reply.header('content-type', CONTENT_TYPE).send(Readable.from(whole(), { objectMode: false })),
    );
  };
}
