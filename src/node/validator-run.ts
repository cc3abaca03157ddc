import { atMost } from '../at-most.ts'
import { timeOf } from '../beacon.ts'
import { messageOf } from '../errors.ts'
import { paceIn } from '../gpu/leased-proofs.ts'
import { gbPerSecondOf, nsPerHopOf, topsOf } from '../gpu/rates.ts'
import { type Announcement, gpuKey } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import type {
  SparedGpu,
  ValidatorEffect,
  ValidatorEvent,
  VerdictRow,
} from '../gpu/slot-testimony.ts'
import { decodeTranscript } from '../gpu/transcript.ts'
import { ValidatorSlot, type ValidatorSlotOptions } from '../gpu/validator-slot.ts'
import type { Verifier } from '../gpu/verifier.ts'
import { type Verdicts, witnessOf } from '../protocols/attestations.ts'
import type { Rpc } from '../protocols/rpc.ts'
import { checkOpenings, type Pull, type PullOutcome } from './check-openings.ts'
import type { Core } from './core.ts'
import type { PulseBook } from './pulse-book.ts'
import type { Testifier } from './testifier.ts'
import type { TranscriptStore } from './transcript-store.ts'

export interface ValidatorRunParts {
  readonly core: Core
  readonly rpc: Rpc
  readonly pulses: PulseBook
  readonly slots: SlotNetwork
  readonly transcripts: TranscriptStore
  readonly verifier: Verifier
  readonly testifier: Testifier
  /** Whether this validator checks a GPU's openings. */
  readonly checks: NonNullable<ValidatorSlotOptions['checks']>
  /** Told every signed Final that stands in openings, beside those that came by themselves. */
  readonly onClaim: (record: Uint8Array) => void
}

type SignedRow = Verdicts['rows'][number]
type Turn = ReturnType<typeof atMost>

/** Proofs of one miner under way at a time: each may take 17 MiB (n = 32768), and a miner has up to 32 devices. */
const PULLS_PER_MINER = 4

type Figures = Pick<PullOutcome, 'bytes' | 'verifyMs'> & {
  /** Made while the openings are at hand: those of a hundred GPUs are not kept until the slot ends. */
  readonly witness: Uint8Array | undefined
  /** The heads that openings were checked under. */
  readonly heads: NonNullable<SignedRow['heads']>
  readonly proveMs: number
  readonly passes: number
  readonly steps: number
  readonly checkpoints: number
}

/** One slot of a validator: carries out what its state machine decides. */
export class ValidatorRun {
  readonly slot: number
  /** True once nothing more will come of it. */
  done = false
  readonly #parts: ValidatorRunParts
  readonly #life: AbortSignal
  readonly #machine: ValidatorSlot
  readonly #gpus: ReadonlyMap<string, Announcement>
  readonly #figures = new Map<string, Figures>()
  readonly #turns = new Map<string, Turn>()

  constructor(
    parts: ValidatorRunParts,
    slot: number,
    gpus: readonly Announcement[],
    validBefore: ReadonlySet<string>,
    life: AbortSignal,
  ) {
    const { slots, pulses, checks } = parts
    this.slot = slot
    this.#parts = parts
    this.#life = life
    this.#gpus = new Map(gpus.map((gpu) => [gpuKey(gpu.peerId, gpu.gpuId), gpu] as const))
    const { beacon } = pulses
    this.#machine = new ValidatorSlot({ net: slots, beacon, gpus, slot, validBefore, checks })
  }

  /** Keys of the GPUs that this validator found VALID: hearing few of them next time is its own fault. */
  get valid(): ReadonlySet<string> {
    return this.#machine.valid
  }

  /** PeerIds of those whose GPUs are this slot's, one for each GPU. */
  get miners(): string[] {
    return [...this.#gpus.values()].map(({ peerId }) => peerId)
  }

  /** GPUs that it was not drawn to look at. */
  get spared(): readonly SparedGpu[] {
    return this.#machine.spared
  }

  /** Whether a device is one of this slot's. */
  follows(miner: string, gpu: string): boolean {
    return this.#gpus.has(gpuKey(miner, gpu))
  }

  handle(event: ValidatorEvent): void {
    for (const effect of this.#machine.handle(event)) {
      this.#act(effect).catch((error: unknown) => {
        if (this.#life.aborted) return // the node stops: what was written goes on at its next start
        this.#parts.core.log.error('testimony-failed', error, { slot: this.slot })
      })
    }
  }

  async #act(effect: ValidatorEffect): Promise<void> {
    const { core, testifier } = this.#parts
    const { slot } = this
    if (effect.type === 'pull') await this.#turnOf(effect.miner)(() => this.#pull(effect))
    else if (effect.type === 'commit') await testifier.commit(slot, effect.lines)
    else if (effect.type === 'report') await testifier.report(slot, effect.lines)
    else if (effect.type === 'verdicts') {
      await this.#testify(effect.rows, effect.openPulse?.signature)
    } else if (effect.type === 'abstained') {
      core.log.warn('slot-abstained', { slot, why: effect.why })
      core.events.emit('slot-abstained', { slot, why: effect.why })
    } else this.done = true
  }

  /** A miner's proofs come a few at a time: one with many devices must not fill this node's memory with them. */
  #turnOf(miner: string): Turn {
    const turn = this.#turns.get(miner) ?? atMost(PULLS_PER_MINER)
    this.#turns.set(miner, turn)
    return turn
  }

  async #pull(pull: Pull): Promise<void> {
    const { core, pulses, slots, testifier } = this.#parts
    const { miner, gpu, proveMs, finals } = pull
    const place = gpuKey(miner, gpu)
    const untilMs = timeOf(pulses.beacon, this.slot + slots.end) - core.nowMs()
    const limits = { untilMs, signal: this.#life }
    const outcome = await checkOpenings(this.#parts, pull, this.#gpus.get(place)!, limits)
    const { result, content, ...figures } = outcome
    if (result === 'unchecked') return this.handle({ type: 'unchecked', miner, gpu })
    const { residency, gemm, locality } = finals
    const checkpoints = locality?.count ?? 0
    const counts = { passes: residency.count, steps: gemm.count, checkpoints }
    const heads = { residency: residency.head, gemm: gemm.head }
    const witness =
      result.ok && content !== undefined
        ? witnessOf(testifier.signPulse(pull.pulses.open.signature), content)
        : undefined
    this.#figures.set(place, { ...figures, ...counts, heads, witness, proveMs })
    if (!result.ok) this.#tellFinals(content)
    this.handle({ type: 'checked', miner, gpu, result })
  }

  /**
   * Bad openings may stand under other Finals than those heard, and then break at their heads already: with both in hand
   * the miner is convicted.
   */
  #tellFinals(content: Uint8Array | undefined): void {
    const { core, onClaim } = this.#parts
    for (const final of content === undefined ? [] : finalsIn(content)) {
      try {
        onClaim(final)
      } catch (error) {
        core.log.info('final-unreadable', { reason: messageOf(error) })
      }
    }
  }

  async #testify(rows: readonly VerdictRow[], openPulse: Uint8Array | undefined): Promise<void> {
    const { testifier } = this.#parts
    const word =
      openPulse === undefined
        ? undefined
        : { openPulse, pulseSignature: testifier.signPulse(openPulse) }
    const batch = rows.map((row) => this.#signedRow(row))
    const signed = await testifier.verdicts(this.slot, batch, word)
    for (const row of signed) this.#tell(row)
  }

  #signedRow({ at, locality, ...row }: VerdictRow): SignedRow {
    const found = this.#figures.get(gpuKey(row.miner, row.gpu))
    const { witness, heads, proveMs, verifyMs, bytes } = found ?? {}
    const isBound = row.verdict === 'VALID' || row.verdict === 'BAD_VALUE'
    return {
      ...row,
      ...(isBound && heads !== undefined ? { heads } : {}),
      ...(at === undefined ? {} : { at: at.flatMap((place) => place ?? []) }),
      ...(locality === undefined ? {} : { locality: toldOf(locality) }),
      ...(row.verdict === 'VALID' && witness !== undefined ? { witness } : {}),
      ...(proveMs === undefined ? {} : { proveMs }),
      ...(verifyMs === undefined ? {} : { verifyMs }),
      ...(bytes === undefined ? {} : { transcriptBytes: bytes }),
    }
  }

  #tell(row: SignedRow): void {
    const { core, slots } = this.#parts
    const { miner, gpu, verdict, proveMs = 0, verifyMs = 0, transcriptBytes = 0 } = row
    const place = gpuKey(miner, gpu)
    const { passes = 0, steps = 0, checkpoints = 0 } = this.#figures.get(place) ?? {}
    const { n = 0, bytes = 0, mode = 'idle' } = this.#gpus.get(place) ?? {}
    const { windowMs } = paceIn(slots, mode)
    const gbps = gbPerSecondOf(bytes, passes, windowMs.residency)
    const tops = topsOf(n, steps, windowMs.gemm)
    const nsPerHop = nsPerHopOf(checkpoints, slots.locality.hops, slots.windowMs.locality)
    core.events.emit('slot-verdict', {
      slot: this.slot,
      miner,
      validator: core.peerId,
      gpu,
      backend: gpu.startsWith('cpu') ? 'cpu' : 'gpu',
      mode,
      verdict,
      proveMs,
      verifyMs,
      bytes: transcriptBytes,
      passes,
      fillBytes: bytes,
      gbps: Math.round(gbps * 1e3) / 1e3,
      steps,
      tops: Math.round(tops * 1e4) / 1e4,
      checkpoints,
      nsPerHop: Math.round(nsPerHop * 10) / 10,
      ...(row.locality === undefined ? {} : { locality: row.locality.verdict }),
    })
  }
}

/** What was found of a locality chain, as it is signed. */
function toldOf(locality: NonNullable<VerdictRow['locality']>): NonNullable<SignedRow['locality']> {
  const at = 'at' in locality ? locality.at : undefined
  return { verdict: locality.verdict, ...(at === undefined ? {} : { at: [...at] }) }
}

/** The Finals that stand in content; none in what is no transcript. */
function finalsIn(content: Uint8Array): Uint8Array[] {
  try {
    const { residency, gemm } = decodeTranscript(content)
    return [residency.final, gemm.final]
  } catch {
    return [] // its verdict says so already
  }
}
