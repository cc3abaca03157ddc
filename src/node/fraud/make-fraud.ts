import { hash } from 'node:crypto'
import { type ElementAt, proveElement } from '../../gpu/element-proof.ts'
import { judgeShown } from '../../gpu/judge-shown.ts'
import { type Kernels, loadKernels } from '../../gpu/kernels.ts'
import { provePage } from '../../gpu/page-proof.ts'
import type { PageAt } from '../../gpu/residency-proof.ts'
import { type SlotPulses, type SlotStatements, slotStatements } from '../../gpu/slot.ts'
import { slotNetworks, type Work, works } from '../../gpu/slot-network.ts'
import { judgeClose } from '../../gpu/tick-chain.ts'
import {
  announcementOf,
  gemmOpeningsOf,
  passOpeningsOf,
  type Transcript,
} from '../../gpu/transcript.ts'
import { type Fraud, openClaim, type ShownValue } from '../../protocols/fraud.ts'
import { createNetwork, type Network } from '../../protocols/network.ts'
import { signedFinals } from '../transcript-signatures.ts'
import { caseOf } from './case-of.ts'

/** A value of a transcript: step, row and column of its chain, or pass and page of its passes. */
export interface ValuePlace {
  readonly work: Work
  readonly at: readonly number[]
}

/** What a transcript shows of one of its opened values, as a proof about it would. */
export interface ValueShown {
  readonly shown: 'right' | 'wrong'
  /** The head of the Final that binds it. */
  readonly head: Uint8Array
  /** Against the miner; what a false accusation shows differs in kind and accused alone. */
  readonly fraud: Fraud
}

/**
 * Cuts what a transcript shows of one of its opened values out of it. Undefined when it shows nothing there: it was not
 * opened, or the transcript is not whole.
 */
export function showValue(
  transcript: Transcript,
  { work, at }: ValuePlace,
): ValueShown | undefined {
  try {
    const finals = signedFinals(transcript)
    const statements = slotStatements(announcementOf(transcript), pulsesOf(transcript), finals)
    const kernels = loadKernels()
    const { peerId, gpu, slot } = transcript
    const fraud: Fraud = {
      kind: 'false-value',
      accused: peerId,
      miner: peerId,
      gpu,
      slot,
      shown: {
        ...proven(kernels, transcript, statements, { work, at }),
        hotkey: transcript.hotkey,
        size: work === 'gemm' ? transcript.n : transcript.bytes,
        pulses: signaturesOf(transcript, work),
        final: transcript[work].final,
        at: [...at],
      },
    }
    const net = createNetwork(transcript.network, transcript.netuid, transcript.genesis)
    const judged = caseOf(net, slotNetworks[transcript.network], fraud)
    if (typeof judged === 'string' || 'chain' in judged.job) return undefined
    const { shown } = judgeShown(kernels, judged.job)
    return shown === 'unproven' ? undefined : { shown, head: finals[work].head, fraud }
  } catch {
    return undefined // malformed, unsigned or not opened: it proves nothing
  }
}

/** The proof that a transcript's Final tells of other ticks than its own chain; undefined where it shows no such thing. */
export function showFork(transcript: Transcript): Fraud | undefined {
  const { peerId, gpu, slot, network } = transcript
  for (const work of works) {
    const { counts, roots, final } = transcript[work]
    const fraud: Fraud = {
      kind: 'forked-chain',
      accused: peerId,
      miner: peerId,
      gpu,
      slot,
      shown: {
        hotkey: transcript.hotkey,
        size: work === 'gemm' ? transcript.n : transcript.bytes,
        pulses: signaturesOf(transcript, work),
        final,
        counts: [...counts],
        roots,
        at: [],
      },
    }
    const net = createNetwork(network, transcript.netuid, transcript.genesis)
    const judged = caseOf(net, slotNetworks[network], fraud)
    if (typeof judged === 'string' || !('chain' in judged.job)) continue
    if (judgeClose(judged.job.chain, judged.final.ticks) === 'wrong') return fraud
  }
  return undefined
}

function proven(
  kernels: Kernels,
  transcript: Transcript,
  statements: SlotStatements,
  { work, at }: ValuePlace,
): Pick<ShownValue, 'counts' | 'roots' | 'element' | 'page'> {
  const slots = slotNetworks[transcript.network]
  if (work === 'gemm') {
    const place = at as unknown as ElementAt
    const openings = gemmOpeningsOf(transcript)
    const { counts, roots, ...element } = proveElement(
      kernels,
      statements.gemm,
      place,
      openings,
      slots.gemm,
    )
    return { counts: [...counts], roots, element }
  }
  const place = at as unknown as PageAt
  const openings = passOpeningsOf(transcript)
  const { counts, roots, ...page } = provePage(
    kernels,
    statements.residency,
    place,
    openings,
    slots.residency,
  )
  return { counts: [...counts], roots, page }
}

function pulsesOf({ pulses }: Transcript): SlotPulses {
  const { fill, start, gemm, open } = pulses
  const pulse = ({ round, signature }: { round: number; signature: Uint8Array }) => ({
    round,
    signature,
    randomness: new Uint8Array(hash('sha256', signature, 'buffer')),
  })
  return { fill: pulse(fill), start: pulse(start), gemm: pulse(gemm), open: pulse(open) }
}

function signaturesOf({ pulses }: Transcript, work: Work): ShownValue['pulses'] {
  const open = pulses.open.signature
  return work === 'gemm'
    ? { gemm: pulses.gemm.signature, open }
    : { fill: pulses.fill.signature, start: pulses.start.signature, open }
}

/** Two signed claims that contradict each other, as the accusation they make; throws on anything unsigned. */
export function equivocationOf(net: Network, first: Uint8Array, second: Uint8Array): Fraud {
  const { peerId, claim } = openClaim(net, first)
  const { slot, gpu } = claim
  return {
    kind: 'equivocation',
    accused: peerId,
    miner: peerId,
    gpu,
    slot,
    claims: [first, second],
  }
}
