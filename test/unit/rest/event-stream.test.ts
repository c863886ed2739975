/** Server-sent events as a browser reads them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commentText, eventText, idText, retryText } from '../../../src/rest/event-stream.ts';

test('the forms of the standard', () => {
  expect(retryText(3000)).toBe('retry: 3000\n\n');
  expect(commentText('heartbeat')).toBe(': heartbeat\n\n');
  expect(idText('0:1')).toBe('id: 0:1\n\n');
  expect(eventText('record', '0:1', '{}')).toBe('id: 0:1\nevent: record\ndata: {}\n\n');
  expect(eventText('end', null, '{}')).toBe('event: end\ndata: {}\n\n');
});

test('no JSON ends its line, and none is changed by that', () => {
  const spaced = fc
    .constantFrom('\n', '\r', '\r\n', ' \n\t')
    .chain((space) => fc.json().map((json) => `${space}[${space}${json}${space},${space}"\\n\u2028"]${space}`));
  fc.assert(
    fc.property(spaced, (json) => {
      const lines = eventText('record', null, json).split(/\r\n|\n|\r/);
      expect(lines).toHaveLength(4);
      expect(JSON.parse(lines[1]?.slice('data: '.length) ?? '')).toEqual(JSON.parse(json));
    }),
  );
});
