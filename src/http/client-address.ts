/**
 * @pure Clients are told apart by their addresses; of IPv6 by the network of 64 bits, in which a single machine may
 * take any address.
 */
const IPV6_GROUPS = 8;
const NETWORK_GROUPS = 4;

/** @param address as the system writes it */
export function clientOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail = ''] = address.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, IPV6_GROUPS - first.length - last.length) }, () => '0');
  return [...first, ...zeros, ...last].slice(0, NETWORK_GROUPS).join(':');
}
