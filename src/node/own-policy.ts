import { z } from 'zod'
import { NodeError } from '../errors.ts'
import { peerIdText } from '../protocols/fields.ts'
import { hoursMs, secondsMs } from '../units.ts'
import type { Config } from './config.ts'
import type { Core } from './core.ts'
import type { Policy } from './leases/policy.ts'
import { createOwnSettings, type OwnSettings } from './own-settings.ts'
import { comparePrices } from './price-rule.ts'

/** More names than a person keeps apart. */
const MAX_RENTERS = 10_000
const MAX_LEASE_MS = hoursMs(24 * 366)

const leaseMs = z.int().min(1000).max(MAX_LEASE_MS).nullable()
const price = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'expected a price such as 1.25')
  .nullable()

/** What a policy may be set to; null and an empty list lift a rule. */
export const policySchema = z.strictObject({
  allowRenters: z.array(peerIdText()).max(MAX_RENTERS),
  denyRenters: z.array(peerIdText()).max(MAX_RENTERS),
  minLeaseMs: leaseMs,
  maxLeaseMs: leaseMs,
  maxLeasesPerRenter: z.int().min(1).max(1000).nullable(),
  maxWaiting: z.int().min(0).max(1000),
  priceFloor: price,
  priceCeiling: price,
  priceStepPercent: z.number().positive().max(100).nullable(),
  priceWindowMs: z
    .int()
    .min(secondsMs(1))
    .max(hoursMs(24 * 30)),
}) satisfies z.ZodType<Policy>
export const policyPatch = policySchema.partial()

/** The policy of this miner's owner: the options, and over them what was changed while the node ran. */
export type OwnPolicy = OwnSettings<Policy>

/** The policy that the options set. */
export const policyOf = (config: Config): Policy => ({
  allowRenters: config.allowRenter.filter((peer) => peer !== 'anyone'),
  denyRenters: config.denyRenter.filter((peer) => peer !== 'nobody'),
  minLeaseMs: config.minLease ?? null,
  maxLeaseMs: config.maxLease ?? null,
  maxLeasesPerRenter: config.maxPerRenter ?? null,
  maxWaiting: config.maxWaiting,
  priceFloor: config.priceFloor ?? null,
  priceCeiling: config.priceCeiling ?? null,
  priceStepPercent: config.priceStep ?? null,
  priceWindowMs: config.priceWindow,
})

/** Throws BAD_CONFIG_POLICY for rules that contradict each other. */
export function checkWhole(policy: Policy): void {
  const { minLeaseMs, maxLeaseMs, priceFloor, priceCeiling, priceStepPercent } = policy
  if (minLeaseMs !== null && maxLeaseMs !== null && minLeaseMs > maxLeaseMs) {
    throw contradiction('the shortest lease is longer than the longest', '--min-lease, --max-lease')
  }
  if (priceFloor !== null && priceCeiling !== null && comparePrices(priceFloor, priceCeiling) > 0) {
    throw contradiction(
      'the lowest price is above the highest',
      '--price-floor and --price-ceiling',
    )
  }
  if (priceStepPercent !== null && (priceFloor === null || priceCeiling === null)) {
    throw contradiction(
      'a price that moves needs bounds',
      '--price-floor and --price-ceiling beside --price-step',
    )
  }
}

const contradiction = (message: string, options: string): NodeError =>
  new NodeError('BAD_CONFIG_POLICY', message, { next: `set ${options}` })

/**
 * Loads what was changed before.
 * @throws BAD_CONFIG_POLICY for options that contradict each other
 */
export async function createOwnPolicy(
  core: Pick<Core, 'config' | 'store' | 'log'>,
): Promise<OwnPolicy> {
  const options = policyOf(core.config)
  const policy = await createOwnSettings<Policy>(core, {
    bucket: 'policy',
    key: 'policy',
    options,
    patch: policyPatch,
    check: checkWhole,
  })
  checkWhole(policy.now())
  return policy
}
