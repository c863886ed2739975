/**
 * Did it happen? A write whose connection broke before the reply may have been executed. It was sent again; when the
 * repetition is refused, the refusal may be the echo of its own first execution. These functions read back what is
 * there and say whether it is what the write would have left.
 */
import type { Operation, OperationResult, ZnodeContent } from './operations.ts';
import { ANY_VERSION } from './operations.ts';

/** What a path must look like if all the operations before were executed, and nothing after them. */
interface Expected {
  readonly data: Buffer | null;
  /** Null when any will do. */
  readonly version: number | null;
  readonly isEphemeral: boolean | null;
}

const NOTHING = Buffer.alloc(0);

export interface Evidence {
  read(path: string): Promise<ZnodeContent | null>;
  /** Of the session in which the write was made. */
  readonly sessionId: string;
}

/**
 * The results of the operations if they were executed, else null. All of them together are one transaction. A multi
 * with nothing but checks, or with sequential creates whose names are unknown, leaves nothing to tell it by: null.
 */
export async function resultsIfExecuted(
  operations: readonly Operation[],
  evidence: Evidence,
): Promise<OperationResult[] | null> {
  const expected = new Map<string, Expected | null>();
  for (const operation of operations) {
    if (operation.type === 'check') continue;
    if (operation.type === 'create' && operation.sequential) return null;
    expected.set(operation.path, expectedAfter(operation, expected.get(operation.path) ?? null));
  }
  if (expected.size === 0) return null;
  const found = new Map<string, ZnodeContent>();
  await Promise.all(
    [...expected.keys()].map(async (path) => {
      const content = await evidence.read(path);
      if (content !== null) found.set(path, content);
    }),
  );
  for (const [path, wanted] of expected)
    if (!isAsExpected(found.get(path) ?? null, wanted, evidence.sessionId)) return null;
  const results: OperationResult[] = [];
  for (const { type, path } of operations) {
    const stat = found.get(path)?.stat;
    if (type === 'create') results.push({ type, path });
    else if (type !== 'set') results.push({ type });
    // Set and deleted by the same multi: nobody can tell the stat in between.
    else if (stat === undefined) return null;
    else results.push({ type, stat });
  }
  return results;
}

function expectedAfter(operation: Exclude<Operation, { type: 'check' }>, before: Expected | null): Expected | null {
  switch (operation.type) {
    case 'create':
      return { data: operation.data, version: 0, isEphemeral: operation.ephemeral ?? false };
    case 'set': {
      const versionBefore = operation.version === ANY_VERSION ? (before?.version ?? null) : operation.version;
      const version = versionBefore === null ? null : versionBefore + 1;
      return { data: operation.data, version, isEphemeral: before?.isEphemeral ?? null };
    }
    case 'delete':
      return null;
  }
}

function isAsExpected(found: ZnodeContent | null, wanted: Expected | null, sessionId: string): boolean {
  if (found === null || wanted === null) return found === wanted;
  const { stat } = found;
  if (!(found.data ?? NOTHING).equals(wanted.data ?? NOTHING)) return false;
  if (wanted.version !== null && stat.version !== wanted.version) return false;
  return wanted.isEphemeral !== true || stat.ephemeralOwner === sessionId;
}
