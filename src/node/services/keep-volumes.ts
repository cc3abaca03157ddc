import { every } from '../../clock.ts'
import { minutesMs } from '../../units.ts'
import type { HostBook } from '../leases/host-book.ts'
import { reconcileVolumes, tendVolumes } from '../leases/tend-volumes.ts'
import type { Service } from '../service.ts'

/** How soon a lease that writes too much into a volume ends, where the storage itself does not stop it. */
const EVERY_MS = minutesMs(1)

/** Looks after what outlives leases: measures it, keeps it to its time, and leaves nothing behind after a crash. */
export const keepVolumes = ({ hosting: book }: { readonly hosting: HostBook }): Service => ({
  name: 'keep-volumes',
  async start(signal) {
    const log = book.log.child('volumes')
    void every(EVERY_MS, { signal, log, name: 'keep-volumes' }, async () => {
      await reconcileVolumes(book)
      await tendVolumes(book)
    })
  },
})
