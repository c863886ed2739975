/** What a starting broker has to get done, whatever becomes of the session in which it began. */
import { isZooKeeperError } from './operations.ts';

/**
 * Does the work again, in the next session, when the one that it was in is lost: what it did may be done twice. There
 * is always a next one, and requests wait for it.
 */
export async function acrossSessions<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isZooKeeperError(error, 'SESSION_EXPIRED')) throw error;
    }
  }
}
