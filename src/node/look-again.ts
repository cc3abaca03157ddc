import { atMost } from '../at-most.ts'
import { equalBytes } from '../bytes.ts'
import { gpuKey } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import type { SparedGpu } from '../gpu/slot-testimony.ts'
import type { Verifier } from '../gpu/verifier.ts'
import { type VerdictRow, witnessOf } from '../protocols/attestations.ts'
import type { Rpc } from '../protocols/rpc.ts'
import type { Attestations, GivenVerdict } from './attestations.ts'
import { checkOpenings, type PullOutcome } from './check-openings.ts'
import type { Core } from './core.ts'
import type { Testifier } from './testifier.ts'
import type { TranscriptStore } from './transcript-store.ts'

interface Needs {
  readonly core: Pick<Core, 'net' | 'log' | 'events' | 'peerId'>
  readonly rpc: Pick<Rpc, 'ask'>
  readonly verifier: Verifier
  readonly transcripts: Pick<TranscriptStore, 'put'>
  readonly attestations: Pick<Attestations, 'verdictsOn'>
  readonly testifier: Pick<Testifier, 'furtherVerdict' | 'signPulse'>
  readonly slots: SlotNetwork
}

/**
 * Makes a validator look that was not drawn to, where a VALID stands beside a verdict against the same device: one of
 * them is wrong, and until most of the stake has looked nobody knows which. Before it has looked it says nothing.
 */
export interface LookAgain {
  /** Keeps what is needed to look at devices of a slot that is over, until two more are. */
  remember(slot: number, spared: readonly SparedGpu[]): void
  /** Heeds verdicts as they come, until `signal` aborts. */
  start(signal: AbortSignal): void
}

/** Slots whose devices may still be looked at. */
const KEPT_SLOTS = 2
/** Looks at devices of one slot, and at those of one miner in it: who quarrels over more makes nobody work for it. */
const PER_SLOT = 32
const PER_MINER = 4
/** Validators that are asked for openings beside the miner itself. */
const MAX_HOLDERS = 3

/** Verdicts of those that heard no whole work; they say nothing about openings. */
const UNHEARD: ReadonlySet<string> = new Set(['SILENT', 'LATE_COMMIT', 'NO_WORK'])

interface Slot {
  readonly spared: Map<string, SparedGpu>
  readonly looks: Map<string, number>
}

export function createLookAgain(needs: Needs): LookAgain {
  const { core, attestations } = needs
  const { events, log, peerId } = core
  const kept = new Map<number, Slot>()
  const inTurn = atMost(1)
  let life: AbortSignal | undefined

  function remember(slot: number, spared: readonly SparedGpu[]): void {
    const devices = new Map(spared.map((one) => [gpuKey(one.miner, one.gpu), one]))
    kept.set(slot, { spared: devices, looks: new Map() })
    for (const old of [...kept.keys()].toSorted((a, b) => a - b).slice(0, -KEPT_SLOTS)) {
      kept.delete(old)
    }
    for (const { miner, gpu } of spared) consider(slot, miner, gpu)
  }

  /** Looks once at a device that others differ about, as long as slot and miner have looks left. */
  function consider(slot: number, miner: string, gpu: string): void {
    const { spared, looks } = kept.get(slot) ?? {}
    const one = spared?.get(gpuKey(miner, gpu))
    if (one === undefined || spared === undefined || looks === undefined || life === undefined) {
      return
    }
    const said = attestations.verdictsOn(slot, miner, gpu).filter((g) => g.validator !== peerId)
    if (!isDisputed(one, said)) return
    const ofSlot = [...looks.values()].reduce((sum, count) => sum + count, 0)
    const ofMiner = looks.get(miner) ?? 0
    if (ofSlot >= PER_SLOT || ofMiner >= PER_MINER) return
    looks.set(miner, ofMiner + 1)
    spared.delete(gpuKey(miner, gpu))
    const signal = life
    void inTurn(() => look(slot, one, said, signal)).catch((error: unknown) => {
      if (!signal.aborted) log.error('look-failed', error, { slot, miner })
    })
  }

  async function look(
    slot: number,
    one: SparedGpu,
    said: readonly GivenVerdict[],
    signal: AbortSignal,
  ): Promise<void> {
    const row = await found(needs, one, said, signal)
    if (row === undefined || signal.aborted) return
    await needs.testifier.furtherVerdict(slot, row, one.pulses.open.signature)
    const { miner, gpu, verdict } = row
    log.info('looked-again', { slot, miner, gpu, verdict })
    events.emit('looked-again', { slot, miner, gpu, verdict })
  }

  return {
    remember,
    start(signal) {
      life = signal
      events.subscribe((event) => {
        if (event.event !== 'attestation-seen') return
        consider(Number(event['slot']), String(event['miner']), String(event['gpu']))
      }, signal)
    },
  }
}

/** Whether a VALID under the Finals that were heard here stands beside a verdict against the openings. */
const isDisputed = (one: SparedGpu, said: readonly GivenVerdict[]): boolean =>
  said.some(({ row }) => isPraise(one, row)) &&
  said.some(({ row }) => row.verdict !== 'VALID' && !UNHEARD.has(row.verdict))

const isPraise = ({ finals }: SparedGpu, { verdict, heads }: VerdictRow): boolean =>
  verdict === 'VALID' &&
  heads !== undefined &&
  equalBytes(heads.residency, finals.residency.head) &&
  equalBytes(heads.gemm, finals.gemm.head)

/**
 * What a look finds; undefined when this machine failed. Only what the miner itself offered can speak against it: whoever
 * calls other bytes VALID may have made them up, so those can do no more than hold good. Openings that nobody has are
 * withheld.
 */
async function found(
  needs: Needs,
  one: SparedGpu,
  said: readonly GivenVerdict[],
  signal: AbortSignal,
): Promise<VerdictRow | undefined> {
  const { slots } = needs
  const holders = said.filter(({ row }) => isPraise(one, row)).slice(0, MAX_HOLDERS)
  const { offered } = one
  const tries = [
    ...(offered === undefined ? [] : [{ from: one.miner, content: offered.content }]),
    ...holders.map(({ validator, row }) => ({ from: validator, content: row.openings! })),
  ]
  const untilMs = ((slots.end - slots.open) * slots.roundMs) / tries.length
  for (const { from, content } of tries) {
    const pull = { ...one, content, proveMs: offered?.proveMs ?? 0 }
    const outcome = await checkOpenings(needs, pull, one.announced, { untilMs, signal, from })
    const { result } = outcome
    if (result === 'unchecked') return undefined
    if (result.ok) return rowOf(needs, one, outcome)
    const isOffered = offered !== undefined && equalBytes(content, offered.content)
    if (result.why !== 'UNAVAILABLE' && isOffered) return rowOf(needs, one, outcome)
  }
  return { ...namesOf(one), verdict: 'UNAVAILABLE' }
}

const namesOf = ({ miner, gpu, announced }: SparedGpu) => ({
  miner,
  gpu,
  hotkey: announced.hotkey,
})

/** What was found as it is signed. */
function rowOf(
  { testifier }: Needs,
  one: SparedGpu,
  { result, content, bytes, verifyMs }: PullOutcome,
): VerdictRow | undefined {
  if (result === 'unchecked' || content === undefined) return undefined
  const { finals, pulses } = one
  const heads = { residency: finals.residency.head, gemm: finals.gemm.head }
  const about = {
    ...namesOf(one),
    ...(result.content === undefined ? {} : { openings: result.content }),
    ...(bytes === undefined ? {} : { transcriptBytes: bytes }),
    ...(verifyMs === undefined ? {} : { verifyMs }),
  }
  if (result.ok) {
    const witness = witnessOf(testifier.signPulse(pulses.open.signature), content)
    return { ...about, verdict: 'VALID', heads, witness }
  }
  const { why, work, at } = result
  return {
    ...about,
    verdict: why,
    ...(why === 'BAD_VALUE' ? { heads } : {}),
    ...(work === undefined ? {} : { work }),
    ...(at === undefined ? {} : { at: at.flatMap((place) => place ?? []) }),
  }
}
