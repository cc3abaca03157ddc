import { equalBytes } from '../../bytes.ts'
import { codeOf, messageOf } from '../../errors.ts'
import { decodeTranscript, type Transcript } from '../../gpu/transcript.ts'
import type { VerdictRow } from '../../protocols/attestations.ts'
import type { Fraud } from '../../protocols/fraud.ts'
import type { Attestations, GivenVerdict } from '../attestations.ts'
import type { Core } from '../core.ts'
import type { NodeEvent } from '../events.ts'
import type { Frauds } from '../fraud/fraud-book.ts'
import { showFork, showValue } from '../fraud/make-fraud.ts'
import type { Service } from '../service.ts'
import type { TranscriptStore } from '../transcript-store.ts'

type Accusation = Pick<GivenVerdict, 'validator' | 'row'>

interface Parts {
  readonly core: Pick<Core, 'events' | 'log' | 'peerId'>
  readonly attestations: Pick<Attestations, 'slots'> & {
    verdictsOn(slot: number, miner: string, gpu: string): readonly Accusation[]
  }
  readonly transcripts: Pick<TranscriptStore, 'get'>
  readonly frauds: Pick<Frauds, 'publish'>
}

/**
 * Turns an accusation into a proof. Whoever holds the transcript that a BAD_VALUE speaks of shows the value for what it
 * is: the validator that found it false convicts the miner, the miner that is falsely accused convicts the validator.
 * Whatever openings are accused of, a Final that tells of other ticks than its chain convicts its miner.
 */
export const weighAccusations = ({ core, attestations, transcripts, frauds }: Parts): Service => {
  const { events, log, peerId } = core
  /** Openings that were looked through for a fork, the oldest first: whoever accuses them again costs nothing. */
  const looked = new Set<string>()

  /** An accusation that comes before this node's own verdict may find no transcript here yet: it is weighed again then. */
  const concerned = ({ slot, validator, miner, gpu }: NodeEvent): Accusation[] =>
    attestations
      .verdictsOn(Number(slot), String(miner), String(gpu))
      .filter((one) => one.validator === validator || validator === peerId)
      .filter(({ row }) => isAccusation(row))

  /** Those of before this start: whoever was stopped between an accusation and its proof goes on. */
  const kept = (): Accusation[] =>
    attestations
      .slots()
      .flatMap(({ testimony }) =>
        testimony.flatMap(({ validator, verdicts }) =>
          (verdicts?.rows ?? []).filter(isAccusation).map((row) => ({ validator, row })),
        ),
      )

  async function weigh(given: Accusation): Promise<void> {
    try {
      const fraud = await proofFor(given)
      if (fraud === undefined) return
      const verdict = await frauds.publish(fraud)
      log.info('accusation-weighed', { miner: fraud.miner, kind: fraud.kind, ...saidOf(verdict) })
    } catch (error) {
      log.info('accusation-not-weighed', { code: codeOf(error), reason: messageOf(error) })
    }
  }

  async function weighAll(all: readonly Accusation[], signal: AbortSignal): Promise<void> {
    for (const given of all) if (!signal.aborted) await weigh(given)
  }

  async function proofFor({ validator, row }: Accusation) {
    const { openings, work, at, heads } = row
    const isValue = row.verdict === 'BAD_VALUE' && at !== undefined && isWork(work)
    if (openings === undefined || (!isValue && looked.has(hex(openings)))) return undefined
    const content = await transcripts.get(openings)
    if (content === undefined) return undefined
    const transcript = decodeTranscript(content)
    const fork = forkIn(openings, transcript)
    if (fork !== undefined || !isValue) return fork
    const value = showValue(transcript, { work, at })
    // Under another Final than the validator saw, the transcript says nothing about its verdict.
    if (value === undefined || !equalBytes(value.head, heads?.[work] ?? new Uint8Array())) {
      return undefined
    }
    return value.shown === 'wrong'
      ? value.fraud
      : { ...value.fraud, kind: 'false-accusation', accused: validator }
  }

  function forkIn(openings: Uint8Array, transcript: Transcript): Fraud | undefined {
    if (looked.has(hex(openings))) return undefined
    if (looked.size >= MAX_LOOKED) looked.delete(looked.values().next().value!)
    looked.add(hex(openings))
    return showFork(transcript)
  }

  return {
    name: 'weigh-accusations',
    async start(signal) {
      events.subscribe((event) => {
        if (event.event === 'attestation-seen') void weighAll(concerned(event), signal)
      }, signal)
      void weighAll(kept(), signal)
    },
  }
}

/** More than are made in a day. */
const MAX_LOOKED = 4096
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Whether a verdict speaks against bytes that may show what they are. */
const isAccusation = ({ verdict, openings }: VerdictRow): boolean =>
  verdict !== 'VALID' && openings !== undefined
const isWork = (work: VerdictRow['work']): work is 'gemm' | 'residency' =>
  work === 'gemm' || work === 'residency'

const saidOf = (verdict: 'accept' | { ignore: string } | { reject: string }) =>
  verdict === 'accept' ? { outcome: 'proven' } : verdict
