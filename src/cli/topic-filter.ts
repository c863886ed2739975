/**
 * @pure The topic names that an argument means: a Java regular expression for the whole name, in which a comma stands
 * for `|` and quotes around it are dropped (Kafka's TopicFilter).
 */
import { CommandError } from './command.ts';

export function topicFilter(text: string): (name: string) => boolean {
  const source = text
    .trim()
    .replaceAll(',', '|')
    .replaceAll(' ', '')
    .replace(/^["']+/, '')
    .replace(/["']+$/, '');
  try {
    const pattern = new RegExp(`^(?:${source})$`);
    return (name) => pattern.test(name);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(`${source} is an invalid regex.`);
  }
}
