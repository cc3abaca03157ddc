import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../src/log.ts'
import { type Config, configWith, loadConfig } from '../../src/node/config.ts'
import { createCapacity } from '../../src/node/leases/capacity.ts'
import { OPEN_POLICY, type Policy, policyRefusal } from '../../src/node/leases/policy.ts'
import { createOwnPolicy, policyOf } from '../../src/node/own-policy.ts'
import { createOwnPrice } from '../../src/node/own-price.ts'
import { boundedPrice, nextPrice, scaledPrice } from '../../src/node/price-rule.ts'
import { openStore } from '../../src/node/store.ts'
import { tempFolder } from '../support/lease-market.ts'
import { testKey } from '../support/market.ts'

const [good, bad] = [testKey(21).peerId, testKey(22).peerId]
const hour = 3_600_000

test.each<[string, Partial<Policy>, string | undefined]>([
  ['an open one', {}, undefined],
  ['a list that names it', { allowRenters: [bad, good] }, undefined],
  ['a list that does not', { allowRenters: [bad] }, 'allow-renter'],
  ['a list against it', { denyRenters: [good] }, 'deny-renter'],
  ['both lists', { allowRenters: [good], denyRenters: [good] }, 'deny-renter'],
  ['another denied', { denyRenters: [bad] }, undefined],
  ['a longer shortest', { minLeaseMs: 3 * hour }, 'min-lease'],
  ['exactly its time', { minLeaseMs: 2 * hour, maxLeaseMs: 2 * hour }, undefined],
  ['a shorter longest', { maxLeaseMs: hour }, 'max-lease'],
  ['one more than it has', { maxLeasesPerRenter: 2 }, undefined],
  ['as many as it has', { maxLeasesPerRenter: 1 }, 'max-per-renter'],
])('a renter with one lease, for two hours, and %s', (_, rules, rule) => {
  const asks = { renter: good, durationMs: 2 * hour, leases: 1 }
  const refusal = policyRefusal({ ...OPEN_POLICY, ...rules }, asks)
  expect(refusal?.code).toBe(rule === undefined ? undefined : 'REFUSED_POLICY')
  if (rule !== undefined) expect(refusal?.message).toContain(`rule ${rule}`)
})

test.each([
  ['1', 1, '1.05'],
  ['1', 0.75, '1.05'],
  ['1', 0.74, '1'],
  ['1', 0.26, '1'],
  ['1', 0.25, '0.95'],
  ['1.98', 1, '2'],
  ['0.52', 0, '0.5'],
  ['5', 0.5, '2'],
  ['0.500001', 0, '0.5'],
])('a price of %s after %d of the time let: %s', (price, used, next) => {
  expect(nextPrice(price, used, { floor: '0.5', ceiling: '2', stepPercent: 5 })).toBe(next)
})

test('a price moves by a millionth at least, within what bounds there are', () => {
  const rule = { floor: '0', ceiling: '1', stepPercent: 1 }
  expect(nextPrice('0.000001', 1, rule)).toBe('0.000002')
  expect(nextPrice('0', 0, rule)).toBe('0')
  expect(boundedPrice('1.5', null, null)).toBe('1.5')
  expect(boundedPrice('1.5', '2', null)).toBe('2')
  expect(boundedPrice('1.5', null, '1')).toBe('1')
  expect(scaledPrice('3', '2', '1')).toBe('1.5')
  expect(scaledPrice('1', '3', '1')).toBe('0.333334')
  expect(scaledPrice('3', '0', '1')).toBe('3')
})

const store = async () => {
  const opened = await openStore(await tempFolder())
  onTestFinished(() => opened[Symbol.asyncDispose]())
  return opened
}
const policyWith = (opened: Awaited<ReturnType<typeof store>>, changes: Partial<Config> = {}) =>
  createOwnPolicy({ store: opened, config: configWith(changes), log: silent })

test('options set rules, and the words that lift them', () => {
  const load = (env: Record<string, string>) => policyOf(loadConfig({ env }))
  expect(load({})).toEqual(OPEN_POLICY)
  expect(
    load({
      COMPUTE_NODE_ALLOW_RENTER: `${good},${bad}`,
      COMPUTE_NODE_DENY_RENTER: 'nobody',
      COMPUTE_NODE_MAX_LEASE: '12h',
      COMPUTE_NODE_MIN_LEASE: 'off',
      COMPUTE_NODE_MAX_PER_RENTER: '2',
      COMPUTE_NODE_MAX_WAITING: '0',
      COMPUTE_NODE_PRICE_FLOOR: '0.5',
      COMPUTE_NODE_PRICE_CEILING: '2',
      COMPUTE_NODE_PRICE_STEP: '2.5',
    }),
  ).toEqual({
    ...OPEN_POLICY,
    allowRenters: [good, bad],
    maxLeaseMs: 12 * hour,
    maxLeasesPerRenter: 2,
    maxWaiting: 0,
    priceFloor: '0.5',
    priceCeiling: '2',
    priceStepPercent: 2.5,
  })
  expect(() => load({ COMPUTE_NODE_DENY_RENTER: 'bob' })).toThrowError(/PeerId, or nobody/)
})

test('a change counts at once and after a restart; one that contradicts itself is not stored', async () => {
  const opened = await store()
  const first = await policyWith(opened)
  await first.change({ denyRenters: [bad], minLeaseMs: hour })
  expect(first.now()).toMatchObject({ denyRenters: [bad], minLeaseMs: hour })
  const wrong = [
    { maxLeaseMs: 1000 },
    { priceStepPercent: 5 },
    { priceFloor: '2', priceCeiling: '1' },
  ]
  for (const patch of wrong) {
    await expect(first.change(patch)).rejects.toMatchObject({ code: 'BAD_CONFIG_POLICY' })
  }
  const second = await policyWith(opened)
  expect(second.now()).toEqual({ ...OPEN_POLICY, denyRenters: [bad], minLeaseMs: hour })
  const options = { priceStep: 5 }
  await expect(policyWith(await store(), options)).rejects.toMatchObject({
    code: 'BAD_CONFIG_POLICY',
  })
})

test('a price follows what is let, window by window, and goes on from there after a restart', async () => {
  const opened = await store()
  const clock = { ms: 1_000_000 }
  const nowMs = () => clock.ms
  const policy = await policyWith(opened)
  await policy.change({ priceFloor: '0.9', priceCeiling: '2', priceStepPercent: 10 })
  const capacity = createCapacity(['a', 'b'])
  const { signal } = new AbortController()
  const price = { perHour: '1', exclusivePerHour: '3', asset: 'DEV' }
  const open = (changes = {}) =>
    createOwnPrice({
      core: { store: opened, log: silent, nowMs },
      ...{ policy, capacity, price: { ...price, ...changes }, signal },
    })
  const own = await open()
  const windowWith = async (let_: readonly string[]) => {
    capacity.reserve('lease', let_)
    clock.ms += 0.9 * hour
    capacity.release('lease')
    clock.ms += 0.1 * hour
    return [await own.step(), own.now().perHour]
  }
  expect(await windowWith(['a'])).toEqual([false, '1']) // 45 %
  expect(await windowWith(['a', 'b'])).toEqual([true, '1.1']) // 90 %
  expect(await own.step()).toBe(false) // the next window has just begun
  expect(own.now()).toEqual({ perHour: '1.1', exclusivePerHour: '3.3', asset: 'DEV' })
  expect((await open()).now().perHour).toBe('1.1')
  expect((await open({ perHour: '1.5' })).now().perHour).toBe('1.5') // the option says something else
  clock.ms += hour
  expect(own.usedShare()).toBe(0)
  expect([await own.step(), own.now().perHour]).toEqual([true, '0.99'])
  await policy.change({ priceStepPercent: null })
  expect(own.now().perHour).toBe('1')
})
