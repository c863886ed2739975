/** Takes one directory of log.dirs for this process, and reads whose data it holds. */
import * as path from 'node:path';
import type { DiskLock } from '../lib/disk.ts';
import { isDiskError, LogDirectory, type LogDirectoryListener, type LogServices } from './log-directory.ts';
import { decodeMetaProperties, META_PROPERTIES, type MetaProperties } from './meta-properties.ts';

export interface OpenedDirectory {
  readonly directory: LogDirectory;
  /** Null when the directory is out of service. */
  readonly lock: DiskLock | null;
  /** Null when nobody has claimed the directory yet. */
  meta: MetaProperties | null;
}

export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

/**
 * Makes the directory when it is missing. An error of the disk gives a directory that is out of service. Throws
 * DirectoryInUseError when another process has it, InconsistentDirectoryError when its meta.properties make no sense.
 */
export function openDirectory(
  directoryPath: string,
  services: LogServices,
  listener: LogDirectoryListener,
): OpenedDirectory {
  const { disk, logger } = services;
  const directory = new LogDirectory(directoryPath, services, listener);
  let lock: DiskLock | null = null;
  try {
    if (!disk.exists(directoryPath)) {
      logger.info(`Log directory ${directoryPath} not found, creating it.`);
      disk.makeDirectory(directoryPath);
      disk.syncDirectory(path.dirname(directoryPath));
    }
    lock = disk.lock(path.join(directoryPath, '.lock'));
    if (lock === null)
      throw new DirectoryInUseError(
        `Failed to acquire lock on file .lock in ${directoryPath}. A Kafka instance in another process or thread is ` +
          'using this directory.',
      );
    return { directory, lock, meta: readMeta(directoryPath, services) };
  } catch (error) {
    if (!isDiskError(error)) {
      lock?.release();
      throw error;
    }
    directory.fail('Failed to create or validate data directory', error);
    return { directory, lock, meta: null };
  }
}

function readMeta(directoryPath: string, { disk, logger }: LogServices): MetaProperties | null {
  const file = path.join(directoryPath, META_PROPERTIES);
  if (disk.exists(file)) return decodeMetaProperties(disk.readFile(file).toString('utf8'), file);
  logger.info(`No meta.properties file found in ${directoryPath}.`);
  return null;
}
