/**
 * Plays text scenarios: commands, a line of `----`, and what they print (etcd raft's data-driven tests). A block ends
 * with an empty line; lines with # tell the story. With REWRITE=1 the printed lines are written back, to be reviewed
 * as a diff.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** The words of a command after its name, as `key=value`; a word without = has the value 'true'. */
export class ScriptArguments {
  readonly #values: ReadonlyMap<string, string>;

  constructor(words: readonly string[]) {
    this.#values = new Map(
      words.map((word) => {
        const at = word.indexOf('=');
        return at < 0 ? [word, 'true'] : [word.slice(0, at), word.slice(at + 1)];
      }),
    );
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string, otherwise?: string): string {
    const value = this.#values.get(name) ?? otherwise;
    if (value === undefined) throw new Error(`the command wants ${name}=`);
    return value;
  }

  number(name: string, otherwise?: number): number {
    return Number(this.text(name, otherwise === undefined ? undefined : String(otherwise)));
  }

  /** `(1,2,3)` */
  numbers(name: string, otherwise?: string): number[] {
    const inside = this.text(name, otherwise).slice(1, -1);
    return inside === '' ? [] : inside.split(',').map(Number);
  }
}

export type ScriptCommands = Readonly<Record<string, (args: ScriptArguments) => string | Promise<string>>>;

/** The script with what its commands print now. */
export async function playScript(script: string, commands: ScriptCommands): Promise<string> {
  const blocks = /^((?:[^\n]+\n)+?)----\n((?:[^\n]+\n)*)/gm;
  let played = '';
  let end = 0;
  for (const match of script.matchAll(blocks)) {
    const [whole, input = ''] = match;
    const said: string[] = [];
    for (const line of input.trimEnd().split('\n')) {
      if (line.startsWith('#')) continue;
      const [name = '', ...words] = line.split(/ +/);
      const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
      const output = command === undefined ? `unknown command ${name}` : await command(new ScriptArguments(words));
      if (output !== '') said.push(output);
    }
    played += `${script.slice(end, match.index)}${input}----\n${said.join('\n') || '(nothing)'}\n`;
    end = match.index + whole.length;
  }
  return played + script.slice(end);
}

/** One test for each script of the folder, named after the story in its first line. */
export function itPlaysScripts(folder: string, newCommands: () => ScriptCommands | Promise<ScriptCommands>): void {
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
  for (const file of files.sort()) {
    const path = `${folder}/${file}`;
    const script = readFileSync(path, 'utf8');
    const story = script.split('\n', 1)[0]?.replace(/^# /, '') ?? file;
    it(`${file}: ${story}`, async () => {
      const played = await playScript(script, await newCommands());
      if (process.env['REWRITE'] === '1') writeFileSync(path, played);
      else expect(played).toBe(script);
    });
  }
}

/** Commands of a play that goes on by itself: each prints what has come since the last, then what it says itself. */
export function playCommands(
  acts: Readonly<Record<string, (args: ScriptArguments) => unknown>>,
  takeLines: () => readonly string[],
): ScriptCommands {
  return Object.fromEntries(
    Object.entries(acts).map(([name, act]) => [
      name,
      (args: ScriptArguments) => {
        const said = act(args);
        return [...takeLines(), ...(typeof said === 'string' ? [said] : [])].join('\n');
      },
    ]),
  );
}
