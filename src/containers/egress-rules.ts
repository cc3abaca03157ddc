/**
 * Where a lease may not go: the provider's own networks (private, link-local with cloud metadata, shared, loopback),
 * addresses that are nobody's, and multicast.
 */
export const CLOSED_RANGES: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** Mail: a tenant that sends spam gets the provider's address listed. */
const CLOSED_PORTS = '25,465,587'

/** Our own chains: one for what is forwarded, one for what is meant for the host itself. */
export const EGRESS_CHAIN = 'CN-EGRESS'
export const HOST_CHAIN = 'CN-HOST'

/** Where the chains are entered from. Docker asks DOCKER-USER first; it never sees what is meant for the host. */
export const entriesFor = (
  bridge: string,
): readonly (readonly [chain: string, rule: readonly string[]])[] => [
  ['DOCKER-USER', ['-i', bridge, '-j', EGRESS_CHAIN]],
  ['INPUT', ['-i', bridge, '-j', HOST_CHAIN]],
]

/** The content of both chains, for `iptables-restore --noflush`: replaces them in one step, touches nothing else. */
export function egressRules(): string {
  const reject = '-j REJECT --reject-with icmp-admin-prohibited'
  return [
    '*filter',
    `:${EGRESS_CHAIN} - [0:0]`,
    `:${HOST_CHAIN} - [0:0]`,
    // Answers to what the host asked: the node dials services inside a lease.
    `-A ${EGRESS_CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN`,
    ...CLOSED_RANGES.map((range) => `-A ${EGRESS_CHAIN} -d ${range} ${reject}`),
    `-A ${EGRESS_CHAIN} -p tcp -m multiport --dports ${CLOSED_PORTS} ${reject}`,
    `-A ${EGRESS_CHAIN} -j RETURN`,
    `-A ${HOST_CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
    `-A ${HOST_CHAIN} -j DROP`,
    'COMMIT',
    '',
  ].join('\n')
}
