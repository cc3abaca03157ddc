import { formatAmount } from '../../protocols/money.ts'
import { MiB } from '../../units.ts'
import type { NodeEvent } from '../events.ts'

/** Turns PeerIds and hotkeys into the names of this devnet's members. */
export type NameOf = (id: unknown) => string

/** What one event says to a person, or undefined for an event that only programs need. */
type Sentence = (event: NodeEvent, name: NameOf) => string | undefined

const ms = (value: unknown): string => `${Math.round(Number(value))} ms`
const KiBs = (value: unknown): string => `${Math.round(Number(value) / 1024)} KiB`
const short = (value: unknown): string => String(value).slice(0, 12)

/** Said where it is so: nobody may take this machine's processor for a GPU. */
const cpuOnly = (classes: unknown): string =>
  classes === 'cpu' ? '; no GPU here: CPU capacity, devnet only' : ''

const MiBs = (value: unknown): string => `${Math.round(Number(value) / MiB)} MiB`

/** How near memory is, where it was measured; said when its chain is false. */
const hopsOf = (e: NodeEvent): string =>
  e['locality'] === undefined
    ? ''
    : e['locality'] === 'VALID'
      ? ` ${e['nsPerHop']} ns a hop;`
      : ` hops ${e['locality']};`

const money = (units: unknown): string => formatAmount(BigInt(String(units)), 'DEV')

const sentences: Readonly<Record<string, Sentence>> = {
  'capability-announced': (e) =>
    e['classes'] === ''
      ? undefined
      : `announced ${e['devices']} (class ${e['classes']}) in the DHT${cpuOnly(e['classes'])}`,
  'capability-seen': (e, n) =>
    e['classes'] === '' ? undefined : `learned that ${n(e['peer'])} has ${e['devices']}`,
  'offer-published': (e) => `offers its capacity at ${e['dph']} ${e['asset']} an hour`,
  'offer-seen': (e, n) =>
    `sees an offer of ${n(e['peer'])}: ${e['what']} at ${e['dph']} ${e['asset']} an hour`,
  'offer-withdrawn': (e, n) => `sees that ${n(e['peer'])} withdrew its offer`,
  'slot-started': (e) =>
    e['n'] === undefined
      ? `slot ${e['slot']} begins: follows ${e['gpus']} devices`
      : `slot ${e['slot']} begins: proves ${e['gpu']} with ${e['backend']}, ${MiBs(e['bytes'])} resident, n = ${e['n']}`,
  'gpu-filled': (e) =>
    `filled ${MiBs(e['bytes'])} of ${e['gpu']} in ${ms(e['fillMs'])}, from pulse ${e['round']}`,
  'preflight-passed': (e) =>
    `checked ${e['gpu']} (${e['name']}): a short proof of its own is VALID`,
  'preflight-failed': (e) =>
    `does not announce ${e['gpu']} (${e['name']}): ${e['check']}: ${e['reason']}`,
  'gpu-proves-less': (e) =>
    `${e['gpu']} has less memory than announced: proves ${MiBs(e['bytes'])} from now on, n = ${e['n']}`,
  'gpu-given-back': (e) => `gave ${e['gpu']} back: its prover has ended`,
  'gpu-not-filled': (e) => `cannot fill ${e['gpu']}: ${e['reason']}`,
  'challenge-proved': (e) =>
    `slot ${e['slot']}: ${e['passes']} passes and ${e['steps']} steps done, opened in ${ms(e['proveMs'])}, ${KiBs(e['bytes'])}`,
  'challenge-failed': (e) => `slot ${e['slot']}: proving ${e['gpu']} failed: ${e['reason']}`,
  'slot-verdict': (e, n) =>
    e['passes'] === 0 && e['steps'] === 0
      ? `slot ${e['slot']}: ${n(e['miner'])} is ${e['verdict']}`
      : `slot ${e['slot']}: ${n(e['miner'])} is ${e['verdict']} (${e['passes']} passes, ${e['gbps']} GB/s; ${e['steps']} steps, ${e['tops']} TOPS;${hopsOf(e)} proved in ${ms(e['proveMs'])}, verified in ${ms(e['verifyMs'])})`,
  'slot-abstained': (e) => `slot ${e['slot']}: abstains (${e['why']})`,
  'report-gossiped': (e) => `slot ${e['slot']}: gossiped its report, ${e['rows']} rows`,
  'equivocation-kept': (e, n) =>
    `kept evidence: ${n(e['validator'])} signed two things for slot ${e['slot']}`,
  'miner-scored': (e, n) =>
    `scores ${n(e['miner'])}: ${e['score']} (${e['reason']}, reliability ${e['reliability']})`,
  'weights-set': (e) => `set weights in epoch ${e['epoch']}: ${e['weights']}`,
  'earnings-recorded': (e) =>
    e['emission'] === null || e['emission'] === '0'
      ? undefined
      : `earned ${e['emission']} alpha in epoch ${e['epoch']}`,
  // Without evidence there is nothing to weigh: so it is at every start.
  'weights-waiting': (e) =>
    e['reason'] === 'NO_EVIDENCE'
      ? undefined
      : `sets no weights yet: ${e['reason']}${e['next'] ? ` (${e['next']})` : ''}`,
  'lease-requested': (e, n) => `${n(e['renter'])} asks for a lease`,
  'lease-running': (e) => `lease ${short(e['id'])} runs in ${e['engine']}`,
  'receipt-countersigned': (e) =>
    `lease ${short(e['id'])}: receipt ${e['seq']} countersigned, ${money(e['cumulative'])} DEV owed`,
  'lease-grace': (e) => `lease ${short(e['id'])}: ${e['notice']}`,
  'lease-suspended': (e) => `lease ${short(e['id'])} is ${e['notice']}`,
  'lease-resumed': (e) => `lease ${short(e['id'])} goes on`,
  'lease-disputed': (e) => `lease ${short(e['id'])}: ${e['reason']}`,
  'lease-ended': (e) => `lease ${short(e['id'])} ended: ${e['reason']}`,
  'lease-settled': (e) => `lease ${short(e['id'])} settled: ${money(e['amount'])} ${e['asset']}`,
}

/**
 * Whose telling of a thing people hear where several members see the same: all of them would say it twice. The rest
 * is told by whoever it happened to.
 */
const teller: Readonly<Record<string, (member: string) => boolean>> = {
  'miner-scored': (member) => member === 'validator-1',
  'capability-seen': (member) => member === 'renter',
  'offer-seen': (member) => member === 'renter',
  'offer-withdrawn': (member) => member === 'renter',
  'receipt-countersigned': (member) => member === 'renter',
  'lease-ended': (member) => member === 'renter',
  'lease-grace': (member) => member !== 'renter',
  'lease-suspended': (member) => member !== 'renter',
  'lease-resumed': (member) => member !== 'renter',
  'lease-running': (member) => member === 'renter',
}

/** What stands until it changes, and comes again in each epoch: its line is said once. */
const states: ReadonlySet<string> = new Set(['weights-waiting', 'miner-scored'])

/** Like `narrate`, but a line that only says again what its member said last is left out. */
export function createNarrator(): typeof narrate {
  const last = new Map<string, string>()
  return (member, event, name) => {
    const line = narrate(member, event, name)
    if (line === undefined || !states.has(event.event)) return line
    const key = [member, event.event, event['miner'] ?? ''].join(' ')
    if (last.get(key) === line) return undefined
    last.set(key, line)
    return line
  }
}

/** The line a person reads about an event of `member`; undefined when it says nothing to people. */
export function narrate(member: string, event: NodeEvent, name: NameOf): string | undefined {
  if (teller[event.event]?.(member) === false) return undefined
  const sentence = sentences[event.event]?.(event, name)
  return sentence === undefined ? undefined : `${member.padEnd(12)} ${sentence}`
}
