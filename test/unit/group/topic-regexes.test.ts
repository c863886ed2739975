/** RE2's language for subscriptions, and what no expression may do to the broker. */
import { describe, expect, it } from 'vitest';
import { TopicRegexes } from '../../../src/group/topic-regexes.ts';

const TOPICS = ['orders', 'orders-eu', 'my-orders', '__proto__', 'Заказы'];

describe('regular expressions for topics', () => {
  it.each([
    ['orders', ['orders']],
    ['orders.*', ['orders', 'orders-eu']],
    ['^orders$', ['orders']],
    ['(?i)ORDERS', ['orders']],
    ['my-.+|.*-eu', ['orders-eu', 'my-orders']],
    ['_{2}\\w+', ['__proto__']],
    ['\\p{Cyrillic}+', ['Заказы']],
    ['', []],
    ['a(', []],
  ])('%j matches %j, as a whole', (regex, matched) => {
    expect([...(new TopicRegexes().resolve(regex, TOPICS) ?? [])]).toEqual(matched);
  });

  it.each([
    '(?=a)b',
    '(?<=a)b',
    '(a)\\1',
    '[',
    'a{2,1}',
    '((a{100}){100}){100}',
    '('.repeat(16_000) + ')'.repeat(16_000),
  ])('cannot be %j', (regex) => {
    expect(new TopicRegexes().problem(regex)).not.toBeNull();
  });

  it('cannot be longer than the key of a record', () => {
    const regexes = new TopicRegexes();
    expect(regexes.problem('x'.repeat(32_767))).toBeNull();
    expect(regexes.problem('x'.repeat(32_768))).toBe('expression too long');
    expect(regexes.problem('Ж'.repeat(16_384))).toBe('expression too long');
  });

  it('takes no longer for those that send others into a search without end', () => {
    const regexes = new TopicRegexes();
    const name = `${'a'.repeat(248)}!`;
    for (const regex of ['(a+)+b', '(a|aa)+b', '(a*)*b', '(.*a){20}b'])
      expect([...(regexes.resolve(regex, [name]) ?? [])]).toEqual([]);
  });

  it('knows an expression again, however many there were since', () => {
    const regexes = new TopicRegexes();
    for (let index = 0; index < 1000; index++) expect(regexes.problem(`orders-${index}.*`)).toBeNull();
    expect([...(regexes.resolve('orders-0.*', ['orders-01', 'orders-1']) ?? [])]).toEqual(['orders-01']);
  });

  it('gives up one that takes too long for all topics', () => {
    const regexes = new TopicRegexes(() => performance.now());
    const names = Array.from({ length: 2000 }, (_, index) => 'ab'.repeat(100) + index);
    expect(regexes.resolve('(ab)*\\d+', names)?.size).toBe(2000);
    const startMs = performance.now();
    expect(regexes.resolve('(a?b?)'.repeat(5000), names)).toBeNull();
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});
