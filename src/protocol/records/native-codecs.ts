/**
 * The two codecs that Node does not bring itself, loaded when a batch in them is first opened: most brokers never do,
 * and each costs some 3 MB of memory.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);
let lz4Module: typeof import('lz4-napi') | null = null;
let snappyModule: typeof import('snappy') | null = null;

export function lz4(): typeof import('lz4-napi') {
  lz4Module ??= load('lz4-napi') as typeof import('lz4-napi');
  return lz4Module;
}

export function snappy(): typeof import('snappy') {
  snappyModule ??= load('snappy') as typeof import('snappy');
  return snappyModule;
}
