import { z } from 'zod'
import type { GpuLimits } from '../gpu/limits.ts'
import { parseWorkHours } from '../gpu/work-hours.ts'
import type { Config } from './config.ts'
import type { Core } from './core.ts'
import { createOwnSettings, type OwnSettings } from './own-settings.ts'

/** What a limit may be set to; null and an empty list lift it. */
export const limitsSchema = z.strictObject({
  maxTempC: z.int().min(30).max(120).nullable(),
  maxPowerW: z.int().min(1).max(10_000).nullable(),
  maxLoadPercent: z.int().min(1).max(100).nullable(),
  workHours: z
    .array(
      z
        .string()
        .max(64)
        .refine((text) => parseWorkHours(text) !== undefined, 'expected e.g. mon-fri 22:00-06:00'),
    )
    .max(32),
  pauseWhenUsed: z.boolean(),
}) satisfies z.ZodType<GpuLimits>
export const limitsPatch = limitsSchema.partial()
export type LimitsPatch = z.infer<typeof limitsPatch>

/** The limits of this node's owner: the options, and over them what was changed while a node ran. */
export type OwnLimits = OwnSettings<GpuLimits>

/** The limits that the options set. */
export const limitsOf = (config: Config): GpuLimits => ({
  maxTempC: config.maxTemp ?? null,
  maxPowerW: config.maxPower ?? null,
  maxLoadPercent: config.maxLoad ?? null,
  workHours: config.workHours.filter((range) => range !== 'always'),
  pauseWhenUsed: config.pauseWhenUsed,
})

/** Loads what was changed before. */
export const createOwnLimits = (core: Pick<Core, 'config' | 'store' | 'log'>): Promise<OwnLimits> =>
  createOwnSettings<GpuLimits>(core, {
    bucket: 'gpu-limits',
    key: 'limits',
    options: limitsOf(core.config),
    patch: limitsPatch,
  })
