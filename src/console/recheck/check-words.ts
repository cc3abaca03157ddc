import type { Check, Finding } from './check-here.ts'

/** What a validator said rests on a transcript. */
export interface Testimony {
  /** Content id of the transcript. */
  readonly transcript: string
  readonly validator: string
  readonly miner: string
  readonly gpu: string
  readonly slot: number
  /** Null while only its report is known. */
  readonly verdict: string | null
}

/** One check as it is shown. */
export interface Shown {
  readonly name: string
  readonly ok: boolean
  /** What was seen: the words of the command line. */
  readonly detail: string
  /** Whom one has to believe for it. */
  readonly rests: string
  /** Undefined where it took no time. */
  readonly ms?: number
}

const computed =
  'what this browser computed from the seeds that the pulses give. Nobody’s word is in it'

const rests: Readonly<Record<Check['name'], string>> = {
  shape: 'the bytes alone',
  pulses: 'the beacon’s public key, which is built into this page',
  finals: 'the miner’s signature: its peer id is the key itself',
  residency: computed,
  gemm: computed,
  ticks: 'the miner’s signature, against the work that it opened under it',
  locality: computed,
}

const titles: Readonly<Record<Check['name'], string>> = {
  shape: 'Shape',
  pulses: 'Pulses',
  finals: 'Signatures',
  residency: 'Memory',
  gemm: 'Matrices',
  ticks: 'Ticks',
  locality: 'Latency',
}

/** A check of the verifier for a person; on a local network the beacon is the transcript's own word. */
export function shownOf({ name, ok, detail, ms }: Check, network: string | undefined): Shown {
  const own = name === 'pulses' && network === 'local'
  const on = own
    ? 'a key that the transcript states itself: on a local network nobody else vouches for it'
    : rests[name]
  return { name: titles[name], ok, detail, ms, rests: on }
}

/** Whether what came is what the validator spoke of: the node that handed it over is not believed. */
export function namedBy(
  { transcript, validator, miner, gpu, slot }: Testimony,
  finding: Finding,
): Shown {
  const about = {
    name: 'Testimony',
    rests: `the signature of validator ${validator}, as your node checked it`,
  }
  if (finding.id !== transcript) {
    const detail = `these are not the bytes that the validator named: their id is ${finding.id}`
    return { ...about, ok: false, detail }
  }
  const isSame = finding.peerId === miner && finding.gpu === gpu && finding.slot === slot
  const what = `${finding.gpu} of ${finding.peerId}, slot ${finding.slot}`
  return isSame
    ? { ...about, ok: true, detail: `the very bytes that the validator named, of ${what}` }
    : {
        ...about,
        ok: false,
        detail: `the validator named them for another device or slot: they are of ${what}`,
      }
}

/** How what was found here stands to what the validator said. */
export function comparedWith(verdict: string | null, found: string): string {
  if (verdict === null) return 'Its validator has not told its verdict yet.'
  if (verdict === found) return 'Its validator found the same.'
  return `Its validator said ${verdict}, which this page does not find.`
}
