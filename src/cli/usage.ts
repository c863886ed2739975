/**
 * @pure The help text of a command: what it does, how it is called, its options in two columns, examples to paste.
 * Styles (bold headings) are used only where the caller says that a terminal shows them.
 */
import type { OptionSpec, OptionSpecs } from './options.ts';

export interface Usage {
  /** The script's name without its path, such as `kafka-topics.sh`. */
  readonly script: string;
  /** One sentence. */
  readonly summary: string;
  /** What follows the script's name; `[options]` when left out. */
  readonly synopsis?: string;
  readonly options: OptionSpecs;
  /** What is shown, then how to type it. */
  readonly examples: readonly (readonly [purpose: string, commandLine: string])[];
}

const MIN_WIDTH = 60;
const MAX_WIDTH = 100;
const NAME_COLUMN = 36;

export function usageText(usage: Usage, width: number, hasStyles: boolean): string {
  const bold = (text: string): string => (hasStyles ? `\u001b[1m${text}\u001b[22m` : text);
  const columns = Math.max(MIN_WIDTH, Math.min(width, MAX_WIDTH));
  const lines: string[] = [
    ...wrap(usage.summary, columns),
    '',
    `${bold('Usage:')} ${usage.script} ${usage.synopsis ?? '[options]'}`,
    '',
  ];
  lines.push(bold(padded('Option', 'Description')));
  for (const name of Object.keys(usage.options).sort()) {
    const spec = usage.options[name];
    if (spec !== undefined && !spec.hidden) lines.push(...optionLines(name, spec, columns));
  }
  if (usage.examples.length > 0) lines.push('', bold('Examples:'));
  for (const [purpose, commandLine] of usage.examples) lines.push(`  # ${purpose}`, `  ${commandLine}`);
  return `${lines.join('\n')}\n`;
}

function optionLines(name: string, spec: OptionSpec, columns: number): string[] {
  const argument =
    spec.argument === undefined ? '' : spec.argumentIsOptional ? ` [${spec.argument}]` : ` <${spec.argument}>`;
  const byDefault = spec.default === undefined || spec.default === '' ? '' : ` (default: ${spec.default})`;
  const description = `${spec.required ? 'REQUIRED: ' : ''}${spec.description}${byDefault}`;
  const names = [`--${name}${argument}`, ...(spec.aliases ?? []).map((alias) => `  or --${alias}`)];
  const described = wrap(description, columns - NAME_COLUMN);
  const [first = ''] = names;
  // A long name has its line for itself, so that the second column stays where it is.
  const left = first.length < NAME_COLUMN ? names : [first, ...names.slice(1)];
  const right = first.length < NAME_COLUMN ? described : ['', ...described];
  const count = Math.max(left.length, right.length);
  return Array.from({ length: count }, (_, row) => padded(left[row] ?? '', right[row] ?? '').trimEnd());
}

function padded(left: string, right: string): string {
  return `${left.padEnd(NAME_COLUMN)}${right}`;
}

/** Breaks at blanks; explicit line ends stay. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    return [...lines, line];
  });
}
