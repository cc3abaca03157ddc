/** A process with a prover of faulty-prover.ts, for tests that end it: its first argument says what it leaves running. */
import { setTimeout as delay } from 'node:timers/promises'
import { createProverProcess } from '../../src/gpu/prover-process.ts'
import { silent } from '../../src/log.ts'
import { Fault, readRoot, seedOf } from './faults.ts'

const prover = createProverProcess({
  device: { backend: 'cpu' },
  log: silent,
  module: new URL('./faulty-prover.ts', import.meta.url),
  nowMs: () => performance.now(),
  stepTimeoutMs: 600_000,
})
await prover.prepare({ n: 256, bytes: 1 << 19 })
let pid = 0
await prover.run({ work: 'gemm', seed: seedOf(Fault.none) }, (root) => {
  prover.stop()
  pid = readRoot(root).pid
})
if (process.argv[2] === 'frozen') {
  void prover.run({ work: 'gemm', seed: seedOf(Fault.freeze) }, () => undefined)
  await delay(1000) // by now it is stuck
}
process.stdout.write(`${pid}\n`)
if (process.argv[2] === 'idle') setInterval(() => undefined, 1000)
