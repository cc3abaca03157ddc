import type { NodeEvent } from '../events.ts'

/** Turns PeerIds and hotkeys into the names of this devnet's members. */
export type NameOf = (id: unknown) => string

/** What one event says to a person, or undefined for an event that only programs need. */
type Sentence = (event: NodeEvent, name: NameOf) => string | undefined

const ms = (value: unknown): string => `${Math.round(Number(value))} ms`
const KiBs = (value: unknown): string => `${Math.round(Number(value) / 1024)} KiB`
const short = (value: unknown): string => String(value).slice(0, 12)

const sentences: Readonly<Record<string, Sentence>> = {
  'peer-greeted': (e, n) => `met ${n(e['peerId'])}`,
  'capability-announced': (e) => `announced what it owns: ${e['classes']}`,
  'offer-published': (e) => `offers ${e['title'] ?? 'capacity'} at ${e['dph']} ${e['asset']}/hour`,
  'offer-seen': (e, n) =>
    `sees an offer of ${n(e['miner'])}: ${e['title'] ?? ''} at ${e['dph']} ${e['asset']}/hour`,
  'offer-withdrawn': (e, n) => `offer of ${n(e['miner'])} withdrawn`,
  'slot-started': (e) => `slot ${e['slot']} starts: the pulse of round ${e['slot']} was verified`,
  'challenge-proved': (e) =>
    `proved slot ${e['slot']} with ${e['backend']}: ${e['steps']} steps, opened in ${ms(e['proveMs'])}, ${KiBs(e['bytes'])}`,
  'slot-verdict': (e, n) =>
    `slot ${e['slot']}: ${n(e['miner'])} ${e['verdict']} (${e['backend']}, ${e['steps']} steps, verified in ${ms(e['verifyMs'])}, ${KiBs(e['bytes'])})`,
  'report-gossiped': (e) => `gossiped its report on slot ${e['slot']} (${e['rows']} rows)`,
  'equivocation-kept': (e, n) =>
    `kept evidence: ${n(e['validator'])} signed two things for slot ${e['slot']}`,
  'scores-computed': (e) => `computed scores: ${e['summary']}`,
  'weights-set': (e) => `set weights at epoch ${e['epoch']}: ${e['weights']}`,
  'lease-requested': (e, n) => `asks ${n(e['miner'])} for a lease`,
  'lease-running': (e) => `lease ${short(e['id'])} runs (${e['engine']})`,
  'receipt-countersigned': (e) =>
    `countersigned receipt ${e['seq']} of lease ${short(e['id'])}: ${e['cumulative']} owed`,
  'lease-ended': (e) => `lease ${short(e['id'])} ended: ${e['reason']}`,
  'lease-settled': (e) => `lease ${short(e['id'])} settled: ${e['amount']} ${e['asset']}`,
}

/** The line a person reads about an event of `member`; undefined when it says nothing to people. */
export function narrate(member: string, event: NodeEvent, name: NameOf): string | undefined {
  const sentence = sentences[event.event]?.(event, name)
  return sentence === undefined ? undefined : `${member.padEnd(12)} ${sentence}`
}
