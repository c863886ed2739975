/**
 * @pure Names of subjects and numbers of versions as they stand in paths. Contexts, which Confluent's registry writes
 * before a name as `:.context:`, are not kept here: the default one may be named, others are refused.
 */
import { invalidSubject, invalidVersion } from './registry-errors.ts';

/** The latest version that is not deleted. */
export const LATEST_VERSION = -1;
const DEFAULT_CONTEXT = ':.:';
const ALL_CONTEXTS = ':*:';
const IN_CONTEXT = /^:\.[^:]*:/;
const MAX_VERSION = 2 ** 31 - 1;
/** Reserved by Confluent's registry for what stands for all subjects. */
const RESERVED: ReadonlySet<string> = new Set(['__GLOBAL', '__EMPTY']);

/** Without the name of the default context. Throws RegistryError 42208. */
export function subjectName(written: string): string {
  const subject = written.startsWith(DEFAULT_CONTEXT) ? written.slice(DEFAULT_CONTEXT.length) : written;
  if (hasControlCharacter(subject) || IN_CONTEXT.test(subject) || RESERVED.has(subject)) throw invalidSubject(written);
  return subject;
}

/** As `subjectName`, for a subject that is to be made: it may not be empty. */
export function newSubjectName(written: string): string {
  const subject = subjectName(written);
  if (subject === '' || subject === '*') throw invalidSubject(written);
  return subject;
}

/** The beginning of a name, in the default context or in whichever: that is the same here. */
export function subjectPrefix(written: string): string {
  for (const context of [ALL_CONTEXTS, DEFAULT_CONTEXT])
    if (written.startsWith(context)) return written.slice(context.length);
  return written;
}

/** A version, or LATEST_VERSION. Throws RegistryError 42202. */
export function versionNumber(written: string): number {
  if (written.toLowerCase() === 'latest' || written === '-1') return LATEST_VERSION;
  const version = /^\d{1,10}$/.test(written) ? Number(written) : 0;
  if (version < 1 || version > MAX_VERSION) throw invalidVersion(written);
  return version;
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}
