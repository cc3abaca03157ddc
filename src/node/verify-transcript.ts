import { toHex } from '../bytes.ts'
import { messageOf } from '../errors.ts'
import { checkChain, checkHops, checkPasses } from '../gpu/check-transcript.ts'
import type { GemmVerdict } from '../gpu/gemm-proof.ts'
import { type Kernels, loadKernels } from '../gpu/kernels.ts'
import { paceIn } from '../gpu/leased-proofs.ts'
import { gbPerSecondOf, nsPerHopOf, topsOf } from '../gpu/rates.ts'
import type { PassVerdict } from '../gpu/residency-proof.ts'
import { type Final, type SlotPulses, slotStatements } from '../gpu/slot.ts'
import {
  type AnyWork,
  type PerWork,
  type SlotNetwork,
  slotNetworks,
  type Work,
  works,
} from '../gpu/slot-network.ts'
import { tellsChain } from '../gpu/tick-chain.ts'
import {
  announcementOf,
  decodeTranscript,
  type Transcript,
  transcriptId,
} from '../gpu/transcript.ts'
import { GiB } from '../units.ts'
import { signedFinals, signedLocality, signedPulses } from './transcript-signatures.ts'

/** One thing that was looked at, and what was seen. */
export interface TranscriptCheck {
  readonly name: 'shape' | 'pulses' | 'finals' | 'ticks' | AnyWork
  readonly ok: boolean
  readonly detail: string
  /** What looking at it took, ms, to a tenth. */
  readonly ms: number
}

/** What anyone can find out from a transcript alone. */
export interface TranscriptFinding {
  /** `VALID`, or the code of what is wrong. */
  readonly verdict: string
  /** What is wrong, for people; empty when nothing is. */
  readonly reason: string
  /** Content id in hex. */
  readonly id: string
  readonly bytes: number
  readonly network?: string
  readonly peerId?: string
  readonly gpu?: string
  readonly slot?: number
  readonly n?: number
  /** Size of the resident fill. */
  readonly fillBytes?: number
  readonly passes?: number
  readonly steps?: number
  /** What the counts come to over the windows, if all was done inside them; counts are validators' testimony. */
  readonly gbps?: number
  readonly tops?: number
  /** Pages and crossings that were checked. */
  readonly pages?: number
  readonly dots?: number
  /** What was found of the locality chain, if it opens one; the verdict does not rest on it. */
  readonly locality?: string
  readonly checkpoints?: number
  /** Mean time of a hop over the window, and hops that were walked again. */
  readonly nsPerHop?: number
  readonly hops?: number
  readonly verifyMs?: number
  /** Whose proof breaks, and where: pass and page, or step, row and column. */
  readonly work?: Work
  readonly at?: readonly (number | undefined)[]
  /** In order; what could not be looked at, because something before it is bad, is missing. */
  readonly checks: readonly TranscriptCheck[]
}

/**
 * Checks a transcript from nothing but its bytes: the pulses' signatures, the Finals' signatures, then both proofs from
 * inputs derived from them. Whether slots before it came too close cannot be told from one transcript; on a local
 * network the beacon's key is the transcript's own word. Runs in pages too (src/console/market/recheck). `onCheck` is told
 * each check as it is made.
 */
export function verifyTranscript(
  content: Uint8Array,
  onCheck: (check: TranscriptCheck) => void = () => undefined,
): TranscriptFinding {
  const notes = createNotes(onCheck)
  const { checks } = notes
  const id = toHex(transcriptId(content))
  const outside = { id, bytes: content.length }
  let transcript: Transcript
  try {
    transcript = decodeTranscript(content)
  } catch (error) {
    const reason = messageOf(error)
    notes.add('shape', false, reason)
    return { verdict: 'BAD_SHAPE', reason, ...outside, checks }
  }
  notes.add('shape', true, 'the one encoding of a whole transcript')
  const { network, peerId, gpu, slot, n, bytes: fillBytes } = transcript
  const about = { ...outside, network, peerId, gpu, slot, n, fillBytes }
  const slots = slotNetworks[network]
  const pulses = noting(notes, 'pulses', () => {
    const found = signedPulses(transcript, slots)
    return [found, pulsesSeen(transcript, found)]
  })
  const finals = noting(notes, 'finals', () => {
    const found = signedFinals(transcript)
    return [found, `the closes of both kinds of work are signed by ${peerId}`]
  })
  if (pulses === undefined || finals === undefined) {
    const reason = checks.find(({ ok }) => !ok)!.detail
    return { verdict: 'BAD_COMMIT', reason, ...about, checks }
  }
  const kernels = loadKernels()
  const startedMs = performance.now()
  const work = verifyWork(kernels, transcript, slots, pulses, finals, notes)
  const locality = verifyLocality(kernels, transcript, slots, pulses, finals, notes)
  const verifyMs = Math.ceil(performance.now() - startedMs)
  return { ...about, ...work, ...locality, verifyMs, checks }
}

interface Notes {
  readonly checks: readonly TranscriptCheck[]
  add(name: TranscriptCheck['name'], ok: boolean, detail: string): void
}

/** Takes down what was seen, in order; each took the time since the one before. */
function createNotes(onCheck: (check: TranscriptCheck) => void): Notes {
  const checks: TranscriptCheck[] = []
  let sinceMs = performance.now()
  return {
    checks,
    add(name, ok, detail) {
      const nowMs = performance.now()
      const check = { name, ok, detail, ms: Math.round((nowMs - sinceMs) * 10) / 10 }
      sinceMs = nowMs
      checks.push(check)
      onCheck(check)
    },
  }
}

/** Runs a check that says what it saw, or throws what is wrong. */
function noting<T>(
  notes: Notes,
  name: TranscriptCheck['name'],
  check: () => readonly [T, string],
): T | undefined {
  try {
    const [value, detail] = check()
    notes.add(name, true, detail)
    return value
  } catch (error) {
    notes.add(name, false, messageOf(error))
    return undefined
  }
}

function pulsesSeen({ network, beacon }: Transcript, pulses: SlotPulses): string {
  const rounds = Object.entries(pulses).map(([name, { round }]) => `${name} ${round}`)
  const whose = network === 'local' ? `${beacon.name}, whose key it states itself` : beacon.name
  return `${rounds.join(', ')}: each signed by the beacon ${whose}`
}

function verifyWork(
  kernels: Kernels,
  transcript: Transcript,
  slots: SlotNetwork,
  pulses: SlotPulses,
  finals: PerWork<Final>,
  notes: Notes,
) {
  const { n, bytes, mode = 'idle' } = transcript
  const { windowMs } = paceIn(slots, mode)
  const statements = slotStatements(announcementOf(transcript), pulses, finals)
  const [passCount, steps] = [finals.residency.count, finals.gemm.count]
  const gbps = gbPerSecondOf(bytes, passCount, windowMs.residency)
  const tops = topsOf(n, steps, windowMs.gemm)
  const swept = `${passCount} passes over ${(bytes / GiB).toFixed(3)} GiB in ${windowMs.residency / 1000} s`
  const chained = `${steps} steps of ${n}×${n} in ${windowMs.gemm / 1000} s`
  const passes = checkPasses(kernels, statements.residency, transcript, slots)
  notes.add(
    'residency',
    passes.ok,
    passes.ok
      ? `${swept}: ${gbps.toFixed(3)} GB/s; ${passes.pages} pages checked`
      : `${passes.why}: ${brokenAt('residency', passes)}`,
  )
  const chain = checkChain(kernels, statements.gemm, transcript, slots)
  notes.add(
    'gemm',
    chain.ok,
    chain.ok
      ? `${chained}: ${tops.toFixed(3)} TOPS; ${chain.dots} crossings checked`
      : `${chain.why}: ${brokenAt('gemm', chain)}`,
  )
  if (!passes.ok || !chain.ok) {
    const [work, bad] = passes.ok ? (['gemm', chain] as const) : (['residency', passes] as const)
    const { why, at } = bad as Exclude<typeof bad, { readonly ok: true }>
    const reason = brokenAt(work, bad)
    return { verdict: why, reason, work, ...(at === undefined ? {} : { at }) }
  }
  const forked = works.find((work) => {
    const { heads } = { residency: passes, gemm: chain }[work]
    return !tellsChain(finals[work], heads, transcript[work].counts)
  })
  if (forked !== undefined) {
    const reason = `its Final of ${forked} tells of other ticks than the chain that ends in its head`
    notes.add('ticks', false, reason)
    return { verdict: 'EQUIVOCATION', reason, work: forked }
  }
  const figures = { passes: passCount, steps, gbps, tops, pages: passes.pages, dots: chain.dots }
  return { verdict: 'VALID', reason: '', ...figures }
}

/** Looks at a locality chain if there is one; whatever it is, the verdict on the rest stands. */
function verifyLocality(
  kernels: Kernels,
  transcript: Transcript,
  slots: SlotNetwork,
  pulses: SlotPulses,
  finals: PerWork<Final>,
  notes: Notes,
): Pick<TranscriptFinding, 'locality' | 'checkpoints' | 'nsPerHop' | 'hops'> {
  if (transcript.locality === undefined) return {}
  const told = (ok: boolean, detail: string): void => {
    notes.add('locality', ok, `${detail}; the verdict does not rest on it`)
  }
  try {
    const { final, pulse } = signedLocality(transcript, slots)
    const all = { ...finals, locality: final }
    const gpu = announcementOf(transcript)
    const statement = slotStatements(gpu, { ...pulses, hops: pulse }, all).locality!
    const found = checkHops(kernels, statement, transcript, slots)!
    const { count: checkpoints } = final
    if (found.ok && !tellsChain(final, found.heads, transcript.locality.counts)) {
      told(false, 'EQUIVOCATION: its Final tells of other ticks than its chain')
      return { locality: 'EQUIVOCATION', checkpoints }
    }
    if (!found.ok) {
      const at = found.at === undefined ? '' : ` at checkpoint ${found.at[0]}`
      told(false, `${found.why}: the hops break${at}`)
      return { locality: found.why, checkpoints }
    }
    const windowMs = slots.windowMs.locality
    const nsPerHop = nsPerHopOf(checkpoints, slots.locality.hops, windowMs)
    const walked = `${checkpoints} × ${slots.locality.hops} hops in ${windowMs / 1000} s`
    told(true, `${walked}: ${nsPerHop.toFixed(1)} ns per hop; ${found.hops} hops checked`)
    return { locality: 'VALID', checkpoints, nsPerHop, hops: found.hops }
  } catch (error) {
    told(false, messageOf(error))
    return { locality: 'BAD_COMMIT' }
  }
}

/** What breaks and where, in words. */
function brokenAt(work: Work, verdict: PassVerdict | GemmVerdict): string {
  const at = verdict.ok || verdict.at === undefined ? undefined : verdict.at
  if (work === 'residency') {
    return `the passes break${at === undefined ? '' : ` at pass, page ${at.join(', ')}`}`
  }
  return `the chain breaks${at === undefined ? '' : ` at step, row, column ${at.join(', ')}`}`
}
