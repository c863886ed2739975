/** The one body in which HTTP says that something went wrong: `{error_code, message}`, as Confluent's do. */
import { STATUS_CODES } from 'node:http';
import { restErrorOf } from '../rest/rest-errors.ts';

/** Too slow, too large, of a type that nobody reads: refusals of the server that need no words of their own. */
const SPEAK_FOR_THEMSELVES: ReadonlySet<number> = new Set([408, 413, 415, 431]);

/** Of what is our own fault. */
const FAULT = 50_001;

export interface ProblemBody {
  readonly error_code: number;
  readonly message: string;
}

/** Thrown by a route; `errorCode` is the status or, with more to say, five digits that begin with it. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly statusCode: number;
  readonly errorCode: number;

  constructor(statusCode: number, message = `HTTP ${statusCode} ${statusText(statusCode)}`, errorCode = statusCode) {
    super(message);
    this.statusCode = statusCode;
    this.errorCode = errorCode;
  }
}

export function problemBody({ errorCode, message }: HttpProblem): ProblemBody {
  return { error_code: errorCode, message };
}

/**
 * What a client may know of an error: all of a refusal, those of rest/ and of the cluster among them, nothing of a
 * fault of ours. Refusals of the HTTP server itself carry a status below 500.
 */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const refusal = restErrorOf(error);
  if (refusal !== null) return new HttpProblem(refusal.status, refusal.message, refusal.code);
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (SPEAK_FOR_THEMSELVES.has(status)) return new HttpProblem(status);
  if (status >= 400 && status < 500) return new HttpProblem(status, error instanceof Error ? error.message : undefined);
  return new HttpProblem(500, 'Internal Server Error', FAULT);
}

/** Whether somebody has to be told who can mend it. */
export function isFault({ errorCode }: HttpProblem): boolean {
  return errorCode === FAULT;
}

function statusText(statusCode: number): string {
  return STATUS_CODES[statusCode] ?? 'Error';
}
