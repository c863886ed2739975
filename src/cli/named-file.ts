/**
 * A file that the user named. What keeps it from being read is said in one line, `path (No such file or directory)`,
 * the form of Kafka's tools.
 */
import { readFileSync } from 'node:fs';
import { parseProperties } from '../config/properties.ts';
import { CommandError } from './command.ts';

const REASONS = new Map([
  ['ENOENT', 'No such file or directory'],
  ['EACCES', 'Permission denied'],
  ['EISDIR', 'Is a directory'],
  ['ENOTDIR', 'Not a directory'],
]);

/** The text of the file. @throws CommandError */
export function readNamedFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(error, file) ?? error;
  }
}

/** Of a failed read, open or make: the error to show; null when it is no failure of the file system. */
export function unreadable(error: unknown, file?: string): CommandError | null {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined || (error as NodeJS.ErrnoException).syscall === undefined) return null;
  return new CommandError(`${file ?? path ?? 'The file'} (${REASONS.get(code) ?? code})`);
}

/** The properties in the file. @throws CommandError */
export function readPropertiesFile(file: string): Map<string, string> {
  return new Map(parseProperties(readNamedFile(file)).map(({ key, value }) => [key, value.trim()]));
}
