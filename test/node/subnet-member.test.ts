import { beforeEach, expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import type { Neuron } from '../../src/chain/metagraph.ts'
import { NodeError } from '../../src/errors.ts'
import { joinSubnet } from '../../src/node/subnet-member.ts'

const [coldkey, hotkey] = [1, 2].map((n) => keyFromSeed('ed25519', new Uint8Array(32).fill(n))) as [
  ReturnType<typeof keyFromSeed>,
  ReturnType<typeof keyFromSeed>,
]
let stake: bigint | undefined
let calls: string[]
/** Another command registers the same key in between. */
let isRacing = false

/** A chain with one place; the commands' tests do the same on the embedded one. */
const chain = {
  metagraph: async () => ({
    neurons: stake === undefined ? [] : [{ hotkey: hotkey.address, stake } as Neuron],
  }),
  registrationCost: async () => 7n,
  async register() {
    calls.push('register')
    stake = 0n
    if (isRacing) {
      const details = { error: 'HotKeyAlreadyRegisteredInSubNet' }
      throw new NodeError('CHAIN_DISPATCH', 'refused', details)
    }
  },
  async addStake(_: number, __: object, ___: string, rao: bigint) {
    calls.push(`stake ${rao}`)
    stake = (stake ?? 0n) + rao
  },
} as unknown as Chain

const join = (more: object = {}) =>
  joinSubnet({ chain, netuid: 1, coldkey, hotkey, stakeRao: 500n, embedded: false, ...more })

beforeEach(() => {
  stake = undefined
  calls = []
  isRacing = false
})

test('it asks with the whole cost, tells each step, and doing it again neither asks nor sends', async () => {
  const told: unknown[] = []
  const asks = {
    agree: async (cost: object) => void told.push(cost),
    onStep: (text: string) => void told.push(text.split(':')[0]),
  }
  expect(await join(asks)).toMatchObject({ registered: true, stakedRao: 500n })
  expect(told).toEqual([{ burnRao: 7n, stakeRao: 500n }, 'registering', 'staking'])
  expect(await join(asks)).toMatchObject({ registered: false, stakedRao: 0n })
  expect([told.length, calls]).toEqual([3, ['register', 'stake 500']])
})

test('who does not agree sends nothing; who is registered meanwhile goes on', async () => {
  const agree = () => Promise.reject(new NodeError('REFUSED_CONSENT', 'nothing was sent'))
  await expect(join({ agree })).rejects.toMatchObject({ code: 'REFUSED_CONSENT' })
  expect(calls).toEqual([])
  isRacing = true
  expect(await join()).toMatchObject({ registered: true, stakedRao: 500n })
})
