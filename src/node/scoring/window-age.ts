import type { SlotNetwork } from '../../gpu/slot-network.ts'
import { constantsOf } from './constants.ts'

/** Slots come at random: a window of them rarely takes twice its mean time (96 slots: 72 h on average, 102 h at 4 σ). */
const ROOM = 2

/** How old a slot may be that scores still rest on, ms. */
export const windowMsOf = (
  network: Parameters<typeof constantsOf>[0],
  { stride, denominator }: Pick<SlotNetwork, 'stride' | 'denominator'>,
  roundMs: number,
): number => ROOM * constantsOf(network).WINDOW_SLOTS * Math.max(stride, denominator) * roundMs
