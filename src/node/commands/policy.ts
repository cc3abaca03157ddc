import type { PolicyAnswer } from '../../api/hosting.ts'
import { hoursMs, minutesMs } from '../../units.ts'
import type { Policy } from '../leases/policy.ts'
import type { OptionKey } from '../options.ts'
import { createOutput } from '../output.ts'
import { policyOf } from '../own-policy.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'

/** Which option sets which rule. */
const ruleOf: Readonly<Partial<Record<OptionKey, keyof Policy>>> = {
  allowRenter: 'allowRenters',
  denyRenter: 'denyRenters',
  minLease: 'minLeaseMs',
  maxLease: 'maxLeaseMs',
  maxPerRenter: 'maxLeasesPerRenter',
  maxWaiting: 'maxWaiting',
  priceFloor: 'priceFloor',
  priceCeiling: 'priceCeiling',
  priceStep: 'priceStepPercent',
  priceWindow: 'priceWindowMs',
}

/** Shows whom the running miner rents to, and how its price moves; options change it, at once and for good. */
export const policy: Run = (context) =>
  withRunningNode(context, async (client) => {
    const { config, terminal, signal, given = new Set() } = context
    const wanted = policyOf(config)
    const changed = [...given].flatMap((key) => ruleOf[key] ?? [])
    const patch = Object.fromEntries(changed.map((name) => [name, wanted[name]]))
    const path = '/v1/policy'
    const answer =
      changed.length === 0
        ? await client.get<PolicyAnswer>(path, signal)
        : await client.patch<PolicyAnswer>(path, patch, signal)
    createOutput(terminal, config).value(answer, () => describe(answer))
    return 0
  })

const hoursOf = (ms: number): string =>
  ms < hoursMs(1)
    ? `${Number((ms / minutesMs(1)).toPrecision(3))} min`
    : `${Number((ms / hoursMs(1)).toPrecision(3))} h`
const names = (peers: readonly string[], none: string): string =>
  peers.length === 0 ? none : peers.join(', ')

function describe(answer: PolicyAnswer): string {
  const { allowRenters, denyRenters, minLeaseMs, maxLeaseMs, maxLeasesPerRenter } = answer
  const { maxWaiting, priceFloor, priceCeiling, pricePerHour, asset } = answer
  const bound = (value: string | null): string => value ?? 'none'
  return [
    `rents to    ${names(allowRenters, 'anyone')}`,
    `not to      ${names(denyRenters, 'nobody')}`,
    `for         ${minLeaseMs === null ? 'any time' : `at least ${hoursOf(minLeaseMs)}`}${maxLeaseMs === null ? '' : `, at most ${hoursOf(maxLeaseMs)}`}`,
    `per renter  ${maxLeasesPerRenter === null ? 'no limit' : `${maxLeasesPerRenter} at once`}`,
    `queue       ${maxWaiting === 0 ? 'none' : `at most ${maxWaiting}`}`,
    `price       ${pricePerHour === null ? 'none set' : `${pricePerHour} ${asset} per hour`}, floor ${bound(priceFloor)}, ceiling ${bound(priceCeiling)}`,
    `moves       ${movesOf(answer)}`,
  ].join('\n')
}

function movesOf({ priceStepPercent, priceWindowMs, usedShare }: PolicyAnswer): string {
  if (priceStepPercent === null) return 'never'
  const used = usedShare === null ? '' : `; ${Math.round(100 * usedShare)} % let in this one so far`
  return `by ${priceStepPercent} % every ${hoursOf(priceWindowMs)}${used}`
}
