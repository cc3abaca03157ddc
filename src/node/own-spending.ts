import { spendingPatch } from '../api/spending.ts'
import type { Core } from './core.ts'
import { createOwnSettings, type OwnSettings } from './own-settings.ts'

/** What bounds what this node spends. */
export interface SpendingCaps {
  /** The most that all leases may cost in a day, decimal, of each asset; null: no cap. */
  readonly maxDailyCost: string | null
}

/** The caps of this node's owner: the option, and over it what was changed while a node ran. */
export type OwnSpending = OwnSettings<SpendingCaps>

/** Loads what was changed before. */
export const createOwnSpending = (
  core: Pick<Core, 'config' | 'store' | 'log'>,
): Promise<OwnSpending> =>
  createOwnSettings<SpendingCaps>(core, {
    bucket: 'spending-caps',
    key: 'spending-caps',
    options: { maxDailyCost: core.config.maxDailyCost ?? null },
    patch: spendingPatch,
  })
