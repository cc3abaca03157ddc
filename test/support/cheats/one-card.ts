import { roundAt } from '../../../src/beacon.ts'
import { slotNetworks } from '../../../src/gpu/slot-network.ts'
import { type Card, createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

/** One of several identities whose fills have room in one memory, one at a time. */
export const oneCardTogether = (card: Card, identity: number): Cheat => ({
  name: `one-card-${identity}`,
  does: 'announces the memory of a card that another identity announces too',
  verdict: 'BAD_VALUE residency',
  bound:
    'all but the one whose fill stands fail; test/node/scoring/simulated-slots.test.ts has the rates',
  member: () => ({ backend: createTamperedBackend({ card }) }),
})

/** One of two identities of a card that answer in every other slot. */
export const oneCardInTurn = (identity: 0 | 1): Cheat => ({
  name: `in-turn-${identity}`,
  does: 'answers in every other slot, while another identity of the same card is silent',
  verdict: 'SILENT',
  bound: 'who is silent has failed: half the slots each, squared by reliability',
  member: () => ({
    backend: createTamperedBackend(),
    change: (parts) => ({
      ...parts,
      mayProve: () => {
        // Turns change in the middle between two slots: the fill of the next is seeded just before it.
        const { stride } = slotNetworks.local
        const round = roundAt(parts.pulses.beacon, Date.now()) + stride / 2
        const slot = Math.floor(round / stride)
        return slot % 2 === identity
      },
    }),
  }),
})
