import { equalBytes } from '../bytes.ts'
import { deadline } from '../clock.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { CheckedLocality } from '../gpu/check-transcript.ts'
import type { Announcement, Final } from '../gpu/slot.ts'
import { type SlotNetwork, works } from '../gpu/slot-network.ts'
import type { Checkable, Checked, CheckedHops, Offered } from '../gpu/slot-testimony.ts'
import { tellsChain } from '../gpu/tick-chain.ts'
import { transcriptMaxBytes } from '../gpu/transcript.ts'
import type { Verifier } from '../gpu/verifier.ts'
import { finalCodec } from '../protocols/claims.ts'
import { peerIdOfKey } from '../protocols/peer-key.ts'
import type { Rpc } from '../protocols/rpc.ts'
import { openRecord, recordTypes } from '../protocols/signed.ts'
import type { Core } from './core.ts'
import { keepFetchingTranscript } from './fetch-transcript.ts'
import { pulsesTold, pulseTold } from './make-transcript.ts'
import type { TranscriptStore } from './transcript-store.ts'

export type Pull = Checkable & Offered

/** What came of a pull: figures for people beside the verdict; `unchecked` when this machine failed. */
export interface PullOutcome {
  readonly result: Checked | 'unchecked'
  readonly bytes?: number
  readonly verifyMs?: number
  readonly content?: Uint8Array
}

interface Needs {
  readonly core: Pick<Core, 'net' | 'log'>
  readonly rpc: Pick<Rpc, 'ask'>
  readonly verifier: Verifier
  readonly transcripts: Pick<TranscriptStore, 'put'>
  readonly slots: SlotNetwork
}

export interface PullLimits {
  /** How long fetching may take, ms. */
  readonly untilMs: number
  readonly signal: AbortSignal
  /** Who has them; the miner unless said otherwise. */
  readonly from?: string
}

/** Fetches the openings of a pull, checks them from what this node derived, and keeps what it checked. */
export async function checkOpenings(
  { core, rpc, verifier, transcripts, slots }: Needs,
  pull: Pull,
  gpu: Announcement,
  { untilMs, signal, from = pull.miner }: PullLimits,
): Promise<PullOutcome> {
  const { net, log } = core
  const { miner, content: id, statements, finals, pulses } = pull
  const counts = {
    residency: finals.residency.count,
    gemm: finals.gemm.count,
    ...(finals.locality === undefined ? {} : { locality: finals.locality.count }),
  }
  const maxBytes = transcriptMaxBytes(slots, gpu, counts)
  let content: Uint8Array
  try {
    using limit = deadline(signal, Math.max(0, untilMs))
    content = await keepFetchingTranscript(rpc, { peer: from, id, maxBytes }, limit.signal)
  } catch (error) {
    if (signal.aborted) return { result: 'unchecked' }
    log.info('openings-not-fetched', { miner, code: codeOf(error), reason: messageOf(error) })
    return { result: { ok: false, why: 'UNAVAILABLE' } }
  }
  try {
    const expected = {
      network: net.network,
      genesis: gpu.genesis,
      netuid: gpu.netuid,
      hotkey: gpu.hotkey,
      peerId: gpu.peerId,
      gpu: gpu.gpuId,
      mode: gpu.mode === 'leased' ? gpu.mode : undefined,
      n: gpu.n,
      bytes: gpu.bytes,
      slot: finals.gemm.slot,
      pulses: pulsesTold(pulses),
    }
    const { residency, gemm, locality } = slots
    const limits = { residency, gemm, locality }
    const hopsPulse = pulses.hops === undefined ? {} : { hopsPulse: pulseTold(pulses.hops) }
    const job = { content, statements, limits, expected, ...hopsPulse }
    const checked = await verifier.check(job)
    const figures = { bytes: content.length, verifyMs: Math.ceil(checked.verifyMs), content }
    const miningFor = Buffer.from(gpu.hotkey).toString('hex')
    await transcripts.put(content, miningFor) // a failed one is the evidence
    const told =
      checked.finals && works.map((work) => held(net, checked.finals![work], finals[work], miner))
    if (told?.includes('unsigned') === true) {
      return { result: { ok: false, why: 'BAD_SHAPE', content: id }, ...figures }
    }
    if (told?.includes('other') === true) {
      return { result: { ok: false, why: 'EQUIVOCATION', content: id }, ...figures }
    }
    if (!checked.ok) {
      const { why, work, at } = checked
      const place = {
        ...(work === undefined ? {} : { work }),
        ...(at === undefined ? {} : { at }),
      }
      return { result: { ok: false, why, content: id, ...place }, ...figures }
    }
    const { heads, counts: claimed } = checked
    const isOneTale = works.every((work) => tellsChain(finals[work], heads[work], claimed[work]))
    if (!isOneTale) return { result: { ok: false, why: 'EQUIVOCATION', content: id }, ...figures }
    const hops =
      checked.locality === undefined || finals.locality === undefined
        ? {}
        : { locality: withSameFinal(net, checked.locality, miner, finals.locality) }
    return { result: { ok: true, heads, counts: claimed, content: id, ...hops }, ...figures }
  } catch (error) {
    log.error('openings-not-checked', error, { miner })
    return { result: 'unchecked' }
  }
}

/** A locality chain that was found VALID, unless it closes with another Final than this node heard. */
function withSameFinal(
  net: Core['net'],
  found: CheckedLocality,
  miner: string,
  final: Final,
): CheckedHops {
  if (found.verdict !== 'VALID') return found
  const { verdict, heads, counts } = found
  const isSame = held(net, found.final, final, miner) === 'same'
  if (!isSame || !tellsChain(final, heads, counts)) return { verdict: 'EQUIVOCATION' }
  return { verdict, heads, counts }
}

/**
 * A Final inside a transcript beside the one this node heard: `other` is signed by the miner too, so both together
 * convict it; `unsigned` is no Final of this work at all, and nothing that is found under it could be shown to anybody.
 */
function held(
  net: Core['net'],
  bytes: Uint8Array,
  heard: Final,
  miner: string,
): 'same' | 'other' | 'unsigned' {
  try {
    const record = openRecord(net, recordTypes.final, finalCodec, bytes)
    const { slot, gpu, work, k, count, head, ticks } = record.payload
    const isItsOwn = peerIdOfKey(record.publicKey) === miner
    if (!isItsOwn || slot !== heard.slot || gpu !== heard.gpu || work !== heard.work) {
      return 'unsigned'
    }
    const isSame = k === heard.k && count === heard.count && equalBytes(head, heard.head)
    return isSame && equalBytes(ticks, heard.ticks) ? 'same' : 'other'
  } catch {
    return 'unsigned' // not signed by anyone
  }
}
