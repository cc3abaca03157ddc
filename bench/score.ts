import { PUBLIC_CONSTANTS } from '../src/node/scoring/constants.ts'
import type { Evidence } from '../src/node/scoring/evidence.ts'
import { type ScoreReport, score } from '../src/node/scoring/score.ts'
import { uidWeights } from '../src/node/scoring/uid-weights.ts'
import { type Bench, median } from './support/bench.ts'
import { networkEvidence } from './support/score-evidence.ts'

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

export const bench: Bench = {
  name: 'score',
  measures: `scores and weights from the testimony of ${SIZE.validators} validators on ${SIZE.miners} miners in ${SIZE.slots} slots, one core; beside it, reading every row once`,
  targets: { scoreMs: { atMost: 2000 } },
  async run(progress) {
    progress(`making ${SIZE.miners * SIZE.validators * SIZE.slots} rows`)
    const evidence = networkEvidence(SIZE)
    const [scores, cpu, reads]: [number[], number[], number[]] = [[], [], []]
    let weights = 0
    for (let round = 0; round < ROUNDS; round++) {
      progress(`round ${round + 1} of ${ROUNDS}`)
      reads.push(timed(() => read(evidence)).ms)
      const { ms, cpuMs, result } = timed(() => scored(evidence))
      scores.push(ms)
      cpu.push(cpuMs)
      weights = result.weights
    }
    const [scoreMs, readMs] = [median(scores), median(reads)]
    return {
      figures: { scoreMs, scoreCpuMs: median(cpu), firstScoreMs: scores[0]!, weights },
      yardstick: { readMs, scoreToRead: scoreMs / readMs },
    }
  },
}
