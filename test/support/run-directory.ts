/**
 * Everything that a run of the tests leaves in temporary folders, its children's included, lies in one and goes with
 * it. KEEP=1 keeps it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

export default function setup(): () => void {
  const directory = mkdtempSync(path.join(tmpdir(), 'barnabas-tests-'));
  process.env['TMPDIR'] = directory;
  return () => {
    if (process.env['KEEP'] === undefined) rmSync(directory, { recursive: true, force: true });
  };
}
