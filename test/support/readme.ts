/** The commands that README.md tells people to paste, with what it says they print. */
import { readFileSync } from 'node:fs';
import * as path from 'node:path';

export interface ReadmeStep {
  /** Lines for a shell. */
  readonly commands: string;
  /** What they print; `…` stands for anything. Null where README does not say. */
  readonly output: RegExp | null;
}

const README = path.resolve(import.meta.dirname, '../../README.md');
const OUTPUT = '#> ';

/** The steps of the code blocks of a section, in their order: they are set apart by empty lines. */
export function readmeSteps(heading: string): ReadmeStep[] {
  const text = readFileSync(README, 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`README.md has no section "${heading}"`);
  const blocks = [...section.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '');
  return blocks.flatMap((block) => block.trim().split(/\n\n+/)).map(stepOf);
}

function stepOf(written: string): ReadmeStep {
  const lines = written.split('\n');
  const output = lines.filter((line) => line.startsWith(OUTPUT)).map((line) => line.slice(OUTPUT.length));
  return {
    commands: lines.filter((line) => !line.startsWith(OUTPUT)).join('\n'),
    output: output.length === 0 ? null : new RegExp(`^${output.map(patternOf).join(String.raw`\s+`)}\\s*$`),
  };
}

function patternOf(line: string): string {
  const parts = line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return parts.join(String.raw`[\s\S]*`);
}
