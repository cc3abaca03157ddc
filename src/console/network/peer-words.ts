import type { KnownPeer } from '../../api/overview.ts'

/** A multiaddr as host and port; as it is where it is of another kind. */
export function addressText(addr: string): string {
  const [, ip, port] = /^\/(?:ip4|ip6|dns4|dns6|dns)\/([^/]+)\/(?:tcp|udp)\/(\d+)/.exec(addr) ?? []
  if (ip === undefined) return addr
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

/** How the connection comes about. */
export const kindOf = ({ relayed, direction }: KnownPeer): string =>
  relayed ? 'through a relay' : direction === 'inbound' ? 'direct, theirs' : 'direct, ours'

/** Milliseconds there and back. */
export const rttText = ({ rttMs }: KnownPeer): string =>
  rttMs === null ? '–' : rttMs < 1 ? '< 1 ms' : `${rttMs} ms`

/** How many peers have each version, the most common first. */
export function versionsOf(
  peers: readonly KnownPeer[],
): readonly (readonly [version: string, count: number])[] {
  const counted = Map.groupBy(peers, ({ version }) => version ?? 'not told')
  return [...counted]
    .map(([version, all]) => [version, all.length] as const)
    .toSorted((a, b) => b[1] - a[1])
}

const ascending = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

const keys: Readonly<Record<string, (peer: KnownPeer) => string | number>> = {
  peer: ({ peerId }) => peerId,
  roles: ({ roles }) => roles.join() || '~',
  addr: ({ addr }) => addressText(addr),
  rtt: ({ rttMs }) => rttMs ?? Number.MAX_SAFE_INTEGER,
  since: ({ sinceMs }) => sinceMs,
  version: ({ version }) => version ?? '~',
}

/** Peers in the order of a column. */
export function sorted(
  peers: readonly KnownPeer[],
  key: string,
  descending: boolean,
): readonly KnownPeer[] {
  const read = keys[key] ?? keys['peer']!
  const sign = descending ? -1 : 1
  return peers.toSorted(
    (a, b) => sign * ascending(read(a), read(b)) || ascending(a.peerId, b.peerId),
  )
}
