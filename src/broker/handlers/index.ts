/** THE list of what this broker answers, by API key. Dispatch and ApiVersions come from it: one line per API. */
import type { Handler } from '../handler.ts';

export const ALL_HANDLERS: readonly Handler[] = [];
