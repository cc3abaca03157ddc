import { codeOf, messageOf } from '../../errors.ts'
import { equalBytes } from '../../gpu/hash.ts'
import { decodeTranscript } from '../../gpu/transcript.ts'
import type { VerdictRow } from '../../protocols/attestations.ts'
import type { Attestations, GivenVerdict } from '../attestations.ts'
import type { Core } from '../core.ts'
import type { NodeEvent } from '../events.ts'
import type { Frauds } from '../fraud/fraud-book.ts'
import { showValue } from '../fraud/make-fraud.ts'
import type { Service } from '../service.ts'
import type { TranscriptStore } from '../transcript-store.ts'

interface Parts {
  readonly core: Pick<Core, 'events' | 'log'>
  readonly attestations: Pick<Attestations, 'verdictsOn' | 'slots'>
  readonly transcripts: Pick<TranscriptStore, 'get'>
  readonly frauds: Pick<Frauds, 'publish'>
}

/**
 * Turns an accusation into a proof. Whoever holds the transcript that a BAD_VALUE speaks of shows the value for what it
 * is: the validator that found it false convicts the miner, the miner that is falsely accused convicts the validator.
 */
export const weighAccusations = ({ core, attestations, transcripts, frauds }: Parts): Service => {
  const { events, log } = core

  const givenIn = ({ slot, validator, miner, gpu }: NodeEvent): GivenVerdict | undefined =>
    attestations
      .verdictsOn(Number(slot), String(miner), String(gpu))
      .find((one) => one.validator === validator && isAccusation(one.row))

  /** Those of before this start: whoever was stopped between an accusation and its proof goes on. */
  const kept = (): GivenVerdict[] =>
    attestations
      .slots()
      .flatMap(({ testimony }) =>
        testimony.flatMap(({ validator, verdicts }) =>
          (verdicts?.rows ?? []).filter(isAccusation).map((row) => ({ validator, row })),
        ),
      )

  async function weigh(given: GivenVerdict): Promise<void> {
    try {
      const fraud = await proofFor(given)
      if (fraud === undefined) return
      const verdict = await frauds.publish(fraud)
      log.info('accusation-weighed', { miner: fraud.miner, kind: fraud.kind, ...saidOf(verdict) })
    } catch (error) {
      log.info('accusation-not-weighed', { code: codeOf(error), reason: messageOf(error) })
    }
  }

  async function weighAll(all: readonly GivenVerdict[], signal: AbortSignal): Promise<void> {
    for (const given of all) if (!signal.aborted) await weigh(given)
  }

  async function proofFor({ validator, row }: GivenVerdict) {
    const { openings, work, at, heads } = row
    const content = openings === undefined ? undefined : await transcripts.get(openings)
    if (content === undefined || at === undefined || !isWork(work)) return undefined
    const value = showValue(decodeTranscript(content), { work, at })
    // Under another Final than the validator saw, the transcript says nothing about its verdict.
    if (value === undefined || !equalBytes(value.head, heads?.[work] ?? new Uint8Array())) {
      return undefined
    }
    return value.shown === 'wrong'
      ? value.fraud
      : { ...value.fraud, kind: 'false-accusation', accused: validator }
  }

  return {
    name: 'weigh-accusations',
    async start(signal) {
      events.subscribe((event) => {
        if (event.event !== 'attestation-seen' || event['verdict'] !== 'BAD_VALUE') return
        const given = givenIn(event)
        if (given !== undefined) void weigh(given)
      }, signal)
      void weighAll(kept(), signal)
    },
  }
}

const isAccusation = ({ verdict }: VerdictRow): boolean => verdict === 'BAD_VALUE'
const isWork = (work: VerdictRow['work']): work is 'gemm' | 'residency' =>
  work === 'gemm' || work === 'residency'

const saidOf = (verdict: 'accept' | { ignore: string } | { reject: string }) =>
  verdict === 'accept' ? { outcome: 'proven' } : verdict
