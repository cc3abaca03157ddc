import type { Attestations } from '../attestations.ts'
import type { Core } from '../core.ts'
import type { Service } from '../service.ts'
import { hearBook } from './collect-offers.ts'

/** Hears validators' testimony and keeps it. */
export const collectAttestations = ({
  core,
  attestations,
}: {
  core: Core
  attestations: Attestations
}): Service => ({
  name: 'collect-attestations',
  async start(signal) {
    for (const book of attestations.books) hearBook(core, book, signal)
  },
})
