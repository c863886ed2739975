/**
 * @pure Server-sent events as text (WHATWG HTML, 9.2).
 *
 * Guarantees: no content can end its line or its event early: a line break of any kind becomes a space, which changes
 * nothing of a JSON text, where it can only be white space.
 */
const LINE_BREAKS = /[\r\n]+/g;

/** How long a client waits before it connects again. */
export function retryText(milliseconds: number): string {
  return `retry: ${milliseconds}\n\n`;
}

/** Says nothing, and keeps the connection alive. */
export function commentText(comment: string): string {
  return `: ${oneLine(comment)}\n\n`;
}

/** @param id null when this event does not change where the client would go on */
export function eventText(event: string, id: string | null, data: string): string {
  return `${id === null ? '' : `id: ${oneLine(id)}\n`}event: ${oneLine(event)}\ndata: ${oneLine(data)}\n\n`;
}

/** Changes where the client would go on; no event reaches it. */
export function idText(id: string): string {
  return `id: ${oneLine(id)}\n\n`;
}

function oneLine(text: string): string {
  return text.replace(LINE_BREAKS, ' ');
}
