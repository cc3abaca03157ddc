import { PUBLIC_CONSTANTS } from '../../src/node/scoring/constants.ts'
import type { Evidence } from '../../src/node/scoring/evidence.ts'
import { type ScoreReport, score } from '../../src/node/scoring/score.ts'
import { uidWeights } from '../../src/node/scoring/uid-weights.ts'
import { median } from '../support/bench.ts'
import { networkEvidence } from '../support/score-evidence.ts'
import type { ChainFigure } from './figure.ts'

const SIZE = { miners: 1024, validators: 64, slots: 96 }
const ROUNDS = 3

/** Scores and the weights that a validator would send. */
function scored(evidence: Evidence): { report: ScoreReport; weights: number } {
  const report = score(evidence, PUBLIC_CONSTANTS)
  const neurons = [...report.miners.keys()].map((hotkey, uid) => ({
    uid,
    hotkeyPublicKey: Buffer.from(hotkey, 'hex'),
  }))
  const sent = uidWeights(report, neurons, 0)
  return { report, weights: sent.kind === 'weights' ? sent.byUid.size : 0 }
}

/** The plainest thing to do with evidence: every row and verdict is read once. */
function read({ slots }: Evidence): number {
  let total = 0
  for (const { testimony } of slots) {
    for (const { rows, verdicts } of testimony) {
      for (const { passes, steps } of rows) total += passes + steps
      for (const { verdict } of verdicts) total += verdict.length
    }
  }
  return total
}

/** By the clock, and by the processor, which others on a busy machine do not lengthen as much. */
function timed<T>(work: () => T): { ms: number; cpuMs: number; result: T } {
  const [startMs, before] = [performance.now(), process.cpuUsage()]
  const result = work()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - startMs, cpuMs: (user + system) / 1000, result }
}

/** Scores and weights of a large market from all that was testified of it, on one core. */
export const scores: ChainFigure = {
  targets: { scoreMs: { atMost: 2000 } },
  async measure(progress) {
    progress(`making ${SIZE.miners * SIZE.validators * SIZE.slots} rows`)
    const evidence = networkEvidence(SIZE)
    const [taken, cpu, reads]: [number[], number[], number[]] = [[], [], []]
    let weights = 0
    for (let round = 0; round < ROUNDS; round++) {
      progress(`scoring, round ${round + 1} of ${ROUNDS}`)
      reads.push(timed(() => read(evidence)).ms)
      const { ms, cpuMs, result } = timed(() => scored(evidence))
      taken.push(ms)
      cpu.push(cpuMs)
      weights = result.weights
    }
    const [scoreMs, readMs] = [median(taken), median(reads)]
    return {
      figures: { scoreMs, scoreCpuMs: median(cpu), firstScoreMs: taken[0]!, weights },
      yardstick: { readMs, scoreToRead: scoreMs / readMs },
    }
  },
}
