import { CPU_ID } from '../gpu/inventory.ts'
import type { Prover } from '../gpu/prover.ts'
import { createProver } from '../gpu/prover-process.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import { createVerifier, type Verifier } from '../gpu/verifier.ts'
import { type Attestations, createAttestations } from './attestations.ts'
import type { Core } from './core.ts'
import { createFrauds, type Frauds } from './fraud/fraud-book.ts'
import type { PulseBook } from './pulse-book.ts'
import type { ValidatorView } from './validator-view.ts'

/** What slots, proofs and testimony need beside the network. */
export interface Proving {
  readonly pulses: PulseBook
  readonly attestations: Attestations
  readonly frauds: Frauds
  readonly verifier: Verifier
  /** What proves a device; undefined where this machine has no backend for it. */
  readonly proverOf: (gpu: string) => Prover | undefined
}

export interface ProvingNeeds {
  readonly core: Core
  readonly pulses: PulseBook
  readonly validators: ValidatorView
}

/** Opens the book of attestations; threads and processes start when they are first needed and end with `stack`. */
export async function createProving(
  { core, pulses, validators }: ProvingNeeds,
  stack: AsyncDisposableStack,
): Promise<Proving> {
  const { net, log } = core
  const slots = slotNetworks[net.network]
  const verifier = stack.use(createVerifier(log.child('verifier')))
  // A whole local market shares one machine: one thread for each of its miners.
  const threads = net.network === 'local' ? { threads: 1 } : {}
  const cpu = stack.use(createProver({ backend: 'cpu', ...threads }, log.child('prover')))
  const { beacon } = pulses
  const attestations = await createAttestations(core, { beacon, slots, validators })
  return {
    pulses,
    attestations,
    frauds: await createFrauds({ core, attestations, beacon, slots, pulses, verifier }),
    verifier,
    proverOf: (gpu) => (gpu === CPU_ID ? cpu : undefined),
  }
}
