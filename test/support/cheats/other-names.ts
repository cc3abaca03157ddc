import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

const UUID = 'GPU-3f1c9f6e-2b57-4d31-9a0e-6f3f6c3b8a11'

/** What prints another name: figures are measured, so it says nothing and gains nothing. */
export const relabelledModel: Cheat = {
  name: 'relabelled-model',
  does: 'prints the name of an H100 over a processor',
  verdict: 'VALID',
  bound: 'what it shows is what it can do: too little for a GPU',
  member: () => ({
    backend: createTamperedBackend(),
    device: { id: UUID, vendor: 'nvidia', name: 'NVIDIA H100 80GB HBM3' },
  }),
}

/** A rival that prints the same UUID. */
export const rivalsUuid: Cheat = {
  name: 'rivals-uuid',
  does: 'prints the UUID of another miner’s GPU',
  verdict: 'VALID',
  bound: 'an id is its miner’s own: the other loses nothing',
  member: () => ({
    backend: createTamperedBackend(),
    device: { id: UUID, vendor: 'nvidia', name: 'NVIDIA L4' },
  }),
}
