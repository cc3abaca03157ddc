import { z } from 'zod'
import type { Core } from './core.ts'
import { type Drain, NOT_DRAINED } from './leases/drain-setting.ts'
import { createOwnSettings, type OwnSettings } from './own-settings.ts'

const patch = z.strictObject({ sinceMs: z.int().min(0).nullable() }).partial()

/** Whether this miner runs empty: said once, it holds over restarts until it is taken back. */
export type OwnDrain = OwnSettings<Drain>

/** Loads what was said before. */
export const createOwnDrain = (core: Pick<Core, 'store' | 'log'>): Promise<OwnDrain> =>
  createOwnSettings<Drain>(core, { bucket: 'drain', key: 'drain', options: NOT_DRAINED, patch })
