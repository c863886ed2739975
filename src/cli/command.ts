/**
 * What every command of bin/ has in common: where it reads and writes, how it prints help, and how its failures become
 * texts and exit codes (Kafka's CommandLineUtils).
 *
 * Guarantees: usage errors go to stderr with exit code 1, as does `--help` in Kafka's tools; results go to stdout.
 */
import { readFileSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { COMMON_OPTIONS, OptionError, type Options, type OptionSpecs, parseOptions } from './options.ts';
import { type Usage, usageText } from './usage.ts';

/** The process as a command sees it; tests bring their own. */
export interface Terminal {
  readonly clock: Clock;
  readonly stdin: NodeJS.ReadableStream;
  /** Whether a person sits at stdin, at stdout, at stderr. */
  readonly isTerminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly columns: number;
  out(text: string | Buffer): void;
  error(text: string): void;
  /** Resolves when what was written so far has left the process, so that a slow reader slows the command down. */
  drained(): Promise<void>;
  /** Calls back at Ctrl-C, SIGTERM or when the terminal goes away; meanwhile the process does not end by itself. */
  onInterrupt(callback: () => void): () => void;
}

export type CommandMain = (args: readonly string[], terminal: Terminal) => Promise<number>;

/** A wrong use: the message and where the options are listed go to stderr, exit code 1. */
export class UsageError extends Error {}

/** A failure that is said in one line on stderr, exit code 1. */
export class CommandError extends Error {}

export type WithCommon<S> = S & typeof COMMON_OPTIONS;

export interface CommandDefinition<S extends OptionSpecs> {
  readonly script: string;
  readonly summary: string;
  readonly options: S;
  readonly synopsis?: string;
  readonly examples: Usage['examples'];
  /** Whether the command does something without any argument; else it prints its help. */
  readonly runsBare?: boolean;
  run(options: Options<keyof WithCommon<S> & string>, terminal: Terminal): Promise<number>;
}

/** The version that tools of Kafka print, and ours. */
export function versionText(): string {
  const file = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return `3.9.0 (Barnabas ${version})`;
}

export function defineCommand<S extends OptionSpecs>(definition: CommandDefinition<S>): CommandMain {
  const specs = { ...definition.options, ...COMMON_OPTIONS };
  const usage: Usage = { ...definition, options: specs };
  return async (args, terminal) => {
    const refuse = (message: string, hint: string | null = null): number => {
      const more = `Run ${definition.script} --help for the list of options.`;
      terminal.error([message, ...(hint === null ? [] : [hint]), more, ''].join('\n'));
      return 1;
    };
    try {
      if (args.length === 0 && !definition.runsBare) return printHelp(usage, terminal);
      const options = parseOptions<keyof WithCommon<S> & string>(specs, args);
      if (options.has('help')) return printHelp(usage, terminal);
      if (options.has('version')) {
        terminal.out(`${versionText()}\n`);
        return 0;
      }
      return await definition.run(options, terminal);
    } catch (error) {
      if (error instanceof UsageError) return refuse(error.message);
      if (error instanceof OptionError) return refuse(error.message, error.hint);
      if (error instanceof CommandError) {
        terminal.error(`${error.message}\n`);
        return 1;
      }
      throw error;
    }
  };
}

/** Kafka's tools print their help to stderr and leave with 1; so do these. */
function printHelp(usage: Usage, terminal: Terminal): number {
  terminal.error(usageText(usage, terminal.columns, terminal.isTerminal.stderr));
  return 1;
}

export function requireOptions<Name extends string>(options: Options<Name>, ...names: Name[]): void {
  for (const name of names) if (!options.has(name)) throw new UsageError(`Missing required argument "[${name}]"`);
}

/** Kafka's checkInvalidArgs: with `used`, none of the others may be given. */
export function refuseTogether<Name extends string>(options: Options<Name>, used: Name, ...others: Name[]): void {
  if (!options.has(used)) return;
  for (const other of others)
    if (options.has(other)) throw new UsageError(`Option "[${used}]" can't be used with option "[${other}]"`);
}

/** A line of Kafka's tools-log4j.properties: warnings and errors of a tool go to stderr in this form. */
export function logLine(nowMs: number, level: 'WARN' | 'ERROR', message: string, logger: string): string {
  const at = new Date(nowMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `[${date} ${time},${String(at.getMilliseconds()).padStart(3, '0')}] ${level} ${message} (${logger})\n`;
}
