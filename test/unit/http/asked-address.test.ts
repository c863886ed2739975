/** What links begin with. */
import { describe, expect, it } from 'vitest';
import { askedAddress } from '../../../src/http/asked-address.ts';

describe('the address that links begin with', () => {
  it.each([
    ['localhost:8082', 'http://localhost:8082'],
    ['kafka.example.org', 'http://kafka.example.org'],
    ['[::1]:8082', 'http://[::1]:8082'],
    ['', 'http://10.0.0.7:8081'],
    [undefined, 'http://10.0.0.7:8081'],
    ['a"b', 'http://10.0.0.7:8081'],
    ['user@elsewhere:80', 'http://10.0.0.7:8081'],
    ['elsewhere/path', 'http://10.0.0.7:8081'],
  ])('for the Host %j is %s', (host, address) => {
    const socket = { localAddress: '::ffff:10.0.0.7', localPort: 8081 };
    expect(askedAddress({ protocol: 'http', headers: { host }, socket })).toBe(address);
  });

  it('has the brackets of IPv6', () => {
    const socket = { localAddress: '::1', localPort: 8081 };
    expect(askedAddress({ protocol: 'http', headers: {}, socket })).toBe('http://[::1]:8081');
  });
});
