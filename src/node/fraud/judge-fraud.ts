import { equalBytes } from '../../bytes.ts'
import { codeOf } from '../../errors.ts'
import type { SlotNetwork } from '../../gpu/slot-network.ts'
import { judgeClose } from '../../gpu/tick-chain.ts'
import type { Verifier } from '../../gpu/verifier.ts'
import type { VerdictRow } from '../../protocols/attestations.ts'
import { equivocationFault, type Fraud } from '../../protocols/fraud.ts'
import type { Verdict } from '../../protocols/topic.ts'
import type { Attestations } from '../attestations.ts'
import type { Core } from '../core.ts'
import type { PulseBook } from '../pulse-book.ts'
import { caseOf, type FraudCase } from './case-of.ts'

export interface JudgeNeeds {
  readonly core: Pick<Core, 'net' | 'log'>
  readonly slots: SlotNetwork
  readonly attestations: Pick<Attestations, 'verdictsOn'>
  readonly pulses: Pick<PulseBook, 'check'>
  readonly verifier: Pick<Verifier, 'judge'>
}

/** A proof that holds, and what it says of validators beside the accused. */
export interface ProvenCase {
  readonly verdict: 'accept'
  /** The false value of a miner, where a check of its openings had to look; undefined for other frauds. */
  readonly falseValue: FalseValue | undefined
}

/** A committed value, or a close, that is proven false. */
export interface FalseValue {
  readonly work: 'gemm' | 'residency'
  /** The head that binds it. */
  readonly head: Uint8Array
  /** Whether whoever calls openings under this head VALID must have seen it. */
  readonly isSampled: boolean
}

/** The verdict on a proof whose shape was checked: the cheap checks first, the beacon's signatures last. */
export async function judgeFraud(
  needs: JudgeNeeds,
  fraud: Fraud,
): Promise<ProvenCase | { readonly verdict: Exclude<Verdict, 'accept'> }> {
  const { net } = needs.core
  if (fraud.kind === 'equivocation') {
    const fault = equivocationFault(net, fraud)
    return fault === null ? proven() : { verdict: { reject: fault } }
  }
  const found = caseOf(net, needs.slots, fraud)
  if (typeof found === 'string') return { verdict: { reject: found } }
  const accuses = fraud.kind === 'false-accusation'
  if (accuses && !accusedOf(needs, fraud, found)) {
    return { verdict: { ignore: 'no such accusation is known here' } }
  }
  return judgeValue(needs, found, accuses ? 'right' : 'wrong')
}

const proven = (falseValue?: FalseValue): ProvenCase => ({ verdict: 'accept', falseValue })

async function judgeValue(
  { core, verifier, pulses }: JudgeNeeds,
  { job, final, pulses: told }: FraudCase,
  wanted: 'right' | 'wrong',
): Promise<ProvenCase | { readonly verdict: Exclude<Verdict, 'accept'> }> {
  try {
    const { shown, isSampled } =
      'chain' in job
        ? { shown: judgeClose(job.chain, final.ticks), isSampled: true }
        : await verifier.judge(job)
    if (shown !== wanted) return { verdict: { reject: `the value is ${shown}` } }
    for (const { round, signature } of told) {
      const verdict = await pulses.check(round, signature)
      if (verdict !== 'accept') return { verdict }
    }
    const { work } = job
    return proven(wanted === 'wrong' ? { work, head: final.head, isSampled } : undefined)
  } catch (error) {
    core.log.error('fraud-not-judged', error)
    return { verdict: { ignore: codeOf(error) } }
  }
}

/** Whether the accused called this very value false, under the Final that binds it. */
function accusedOf({ attestations }: JudgeNeeds, fraud: Fraud, { job, final }: FraudCase): boolean {
  const { accused, slot, miner, gpu } = fraud
  const isIt = ({ verdict, work, at, heads }: VerdictRow): boolean =>
    verdict === 'BAD_VALUE' &&
    'at' in job &&
    work === job.work &&
    at?.join() === job.at.join() &&
    equalBytes(heads?.[job.work] ?? new Uint8Array(), final.head)
  return attestations
    .verdictsOn(slot, miner, gpu)
    .some(({ validator, row }) => validator === accused && isIt(row))
}
