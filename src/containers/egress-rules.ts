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

interface Chains {
  readonly egress: string
  readonly host: string
}

/** Each bridge of an engine that was named has chains of its own: one engine's are not another's to set. */
function chainsOf(bridge: string): Chains {
  const own = /^cn-e([0-9a-f]{8})$/.exec(bridge)?.[1]
  const tail = own === undefined ? '' : `-${own}`
  return { egress: `${EGRESS_CHAIN}${tail}`, host: `${HOST_CHAIN}${tail}` }
}

/** The way into a fence of ours: of packets of its own bridge alone. */
const ENTRY = /^-i (\S+) -j CN-(EGRESS|HOST)(-[0-9a-f]{8})?$/
/** A chain's rules without those that let packets of other bridges into their fences. */
const withoutOthers = (rules: readonly string[] = [], bridge: string): readonly string[] =>
  rules.filter((rule) => (ENTRY.exec(rule)?.[1] ?? bridge) === bridge)

/** Docker's chain for rules of others: asked first of what is forwarded, and kept when Docker restarts. */
const USER_CHAIN = 'DOCKER-USER'

/** What `iptables -S` says of the filter table: the rules of each chain, in order. */
export type Dump = ReadonlyMap<string, readonly string[]>

/** Reads the output of `iptables -S`. */
export function parseDump(text: string): Dump {
  const chains = new Map<string, string[]>()
  for (const row of text.split('\n')) {
    const [, flag, chain = '', rule = ''] = /^-([PNA]) (\S+) ?(.*)$/.exec(row) ?? []
    if (flag === undefined) continue
    const rules = chains.get(chain) ?? []
    chains.set(chain, rules)
    if (flag === 'A') rules.push(rule)
  }
  return chains
}

/**
 * Where our chains must be entered before anything else is asked: another program's rule in front of ours may accept
 * what ours closes. Docker never asks DOCKER-USER of what is meant for the host, hence INPUT (notes/containers.md §3).
 */
function missingEntries(bridge: string, dump: Dump): readonly (readonly [string, string])[] {
  const chains = chainsOf(bridge)
  const firstOf = (chain: string) => withoutOthers(dump.get(chain), bridge)[0]
  const egress = `-i ${bridge} -j ${chains.egress}`
  const wanted: (readonly [chain: string, rule: string])[] = [
    ['INPUT', `-i ${bridge} -j ${chains.host}`],
  ]
  const first = firstOf('FORWARD')
  // Engines that do not use iptables have no such chain.
  if (dump.has(USER_CHAIN)) wanted.push([USER_CHAIN, egress])
  if (!dump.has(USER_CHAIN) || first !== `-j ${USER_CHAIN}`) wanted.push(['FORWARD', egress])
  return wanted.filter(([chain, rule]) => firstOf(chain) !== rule)
}

/** What our two chains hold, as one text: compared with what they held when this program set them. */
export const ownRules = (bridge: string, dump: Dump): string => {
  const { egress, host } = chainsOf(bridge)
  return [egress, host].map((chain) => dump.get(chain)?.join('\n') ?? 'missing').join('\n\n')
}

/** Why the fence does not stand, or undefined when it does; `own` is what `ownRules` said after it was set. */
export function fenceFlaw(bridge: string, dump: Dump, own: string | undefined): string | undefined {
  if (own === undefined) return 'the rules were not set yet'
  if (ownRules(bridge, dump) !== own) return 'the rules are not those that were set'
  const [missing] = missingEntries(bridge, dump)
  return missing === undefined ? undefined : `${missing[0]} does not ask them first`
}

/**
 * Input for `iptables-restore --noflush` that makes the fence stand, in one step and touching nothing else: both
 * chains, and the rules that enter them moved to the front.
 */
export function fenceRules(bridge: string, dump: Dump): string {
  const { egress, host } = chainsOf(bridge)
  const reject = '-j REJECT --reject-with icmp-admin-prohibited'
  const entries = missingEntries(bridge, dump).flatMap(([chain, rule]) => {
    const stale = (dump.get(chain) ?? []).filter((one) => one === rule)
    return [...stale.map(() => `-D ${chain} ${rule}`), `-I ${chain} 1 ${rule}`]
  })
  return [
    '*filter',
    `:${egress} - [0:0]`,
    `:${host} - [0:0]`,
    // Neighbours: Docker drops this too, but further down, where a flush or another program's rule comes first.
    `-A ${egress} -o ${bridge} -j DROP`,
    // Answers to what the host asked: the node dials services inside a lease.
    `-A ${egress} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN`,
    ...CLOSED_RANGES.map((range) => `-A ${egress} -d ${range} ${reject}`),
    `-A ${egress} -p tcp -m multiport --dports ${CLOSED_PORTS} ${reject}`,
    `-A ${egress} -j RETURN`,
    `-A ${host} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
    `-A ${host} -j DROP`,
    ...entries,
    'COMMIT',
    '',
  ].join('\n')
}
