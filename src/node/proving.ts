import { slotNetworks } from '../gpu/slot-network.ts'
import { createVerifier, type Verifier } from '../gpu/verifier.ts'
import { type Attestations, createAttestations } from './attestations.ts'
import type { Core } from './core.ts'
import { createFalseWitnesses, type FalseWitnesses } from './false-witnesses.ts'
import { createFrauds, type Frauds } from './fraud/fraud-book.ts'
import type { PulseBook } from './pulse-book.ts'
import type { ValidatorView } from './validator-view.ts'

/** What slots and testimony need beside the network. */
export interface Proving {
  readonly pulses: PulseBook
  readonly attestations: Attestations
  readonly frauds: Frauds
  readonly witnesses: FalseWitnesses
  readonly verifier: Verifier
}

export interface ProvingNeeds {
  readonly core: Core
  readonly pulses: PulseBook
  readonly validators: ValidatorView
  /** Whether a registered hotkey bound a peer. */
  readonly isBound: (peerId: string) => boolean
}

/** Opens the book of attestations; threads start when they are first needed and end with `stack`. */
export async function createProving(
  { core, pulses, validators, isBound }: ProvingNeeds,
  stack: AsyncDisposableStack,
): Promise<Proving> {
  const { net, log } = core
  const slots = slotNetworks[net.network]
  const verifier = stack.use(createVerifier(log.child('verifier')))
  const { beacon } = pulses
  const books = { core, beacon, slots, validators }
  const attestations = await createAttestations(core, books)
  return {
    pulses,
    attestations,
    frauds: await createFrauds({ ...books, attestations, pulses, verifier, isBound }),
    witnesses: await createFalseWitnesses(core, beacon),
    verifier,
  }
}
