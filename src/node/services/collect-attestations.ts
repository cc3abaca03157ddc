import { every } from '../../clock.ts'
import { secondsMs } from '../../units.ts'
import type { Attestations } from '../attestations.ts'
import type { Core } from '../core.ts'
import type { Service } from '../service.ts'
import { hearBook } from './collect-offers.ts'

/** Hears validators' testimony and keeps it, also what came before its validator was known. */
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
    const { log, net } = core
    const lookMs = secondsMs(net.network === 'local' ? 1 : 10)
    void every(lookMs, { signal, log, name: 'reconsider-attestations' }, async () => {
      const records = await attestations.reconsider()
      if (records > 0) log.info('attestations-reconsidered', { records })
    })
  },
})
