// What the adapter promises, asked of any chain: the embedded one, the embedded one that shows a real runtime's metadata,
// or a real node.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { type Hotkey, keyFromSeed } from '../../src/chain/keys.ts'

/** A chain to test on, whose //Alice has funds. */
export interface Ground {
  readonly chain: Chain
  readonly netuid: number
  /** Neurons that were there before: a real node may have the owner's. */
  readonly neurons: number
  /** False where the runtime permits everybody in every block. */
  readonly permits: boolean
  /** False where a transaction may not wait for another of its signer: chopsticks. */
  readonly queues: boolean
  /** Alpha in whole units that 1000 TAO buy at least: what the pool of the subnet is deep enough for. */
  readonly leastStake: bigint
  /** Lets blocks pass until the condition holds. */
  until(condition: () => Promise<boolean>): Promise<void>
  close(): Promise<void>
}

const TAO = 1_000_000_000n
/** Others each time, so that a chain that lives on can be asked again. */
const fresh = (type: 'sr25519' | 'ed25519'): Hotkey =>
  keyFromSeed(type, crypto.getRandomValues(new Uint8Array(32)))

/** Declares the tests; `open` runs before the first. */
export function adapterSuite(open: () => Promise<Ground>): void {
  const [validator, miner] = [fresh('sr25519'), fresh('ed25519')]
  let ground: Ground
  let chain: Chain
  let netuid: number

  beforeAll(async () => {
    ground = await open()
    ;({ chain, netuid } = ground)
  })
  afterAll(() => ground?.close())

  const uidOf = async ({ address }: Hotkey): Promise<number> =>
    (await chain.metagraph(netuid)).neurons.find(({ hotkey }) => hotkey === address)!.uid

  test('two keys register at once from one account, and stake', async () => {
    const one = chain.register(netuid, DEV_ACCOUNT, validator.address)
    if (!ground.queues) await one
    await Promise.all([one, chain.register(netuid, DEV_ACCOUNT, miner.address)])
    const { events } = await chain.addStake(netuid, DEV_ACCOUNT, validator.address, 1000n * TAO)
    expect(events).toContain('subtensorModule.StakeAdded')
    const { neurons, timeMs } = await chain.metagraph(netuid)
    expect(Math.abs(timeMs! - Date.now())).toBeLessThan(3_600_000) // by its own clock, whose first block says now
    const [first, second] = neurons.slice(ground.neurons)
    expect([first!.hotkey, second!.hotkey]).toEqual([validator.address, miner.address])
    expect(first).toMatchObject({ coldkey: DEV_ACCOUNT.address, incentive: 0 })
    expect(neurons.map(({ uid }) => uid)).toEqual(neurons.map((_, uid) => uid))
    expect(first!.stake).toBeGreaterThan(ground.leastStake * TAO)
    expect(second!.stake).toBe(0n)
    expect(second!.hotkeyPublicKey).toEqual(miner.publicKey)
  })

  test('who staked on a hotkey is read by hotkey and by coldkey', async () => {
    const { owner, take, stake, nominators } = await chain.delegation(netuid, validator.address)
    expect(owner).toBe(DEV_ACCOUNT.address)
    expect(take).toBeLessThanOrEqual(11_796)
    expect(nominators.map(({ coldkey }) => coldkey)).toEqual([DEV_ACCOUNT.address])
    expect(stake - nominators[0]!.stake).toBeLessThan(2n)
    expect(stake).toBeGreaterThan(ground.leastStake * TAO)
    const own = await chain.stakesOf(netuid, DEV_ACCOUNT.address)
    expect(own.get(validator.address)).toBeGreaterThan(ground.leastStake * TAO)
    expect(own.has(miner.address)).toBe(false)
    expect((await chain.delegation(netuid, fresh('sr25519').address)).owner).toBeUndefined()
    expect(await chain.mechanisms(netuid)).toBe(1)
  })

  test('a failed call names its error and what to do', async () => {
    await expect(chain.register(netuid, DEV_ACCOUNT, miner.address)).rejects.toMatchObject({
      code: 'CHAIN_DISPATCH',
      details: { error: 'HotKeyAlreadyRegisteredInSubNet' },
      next: expect.stringContaining('registered'),
    })
    await expect(chain.metagraph(777)).rejects.toMatchObject({ code: 'CHAIN_NO_SUBNET' })
  })

  test('a commitment is read back as it was written, by an ed25519 hotkey without a balance', async () => {
    const bytes = Uint8Array.from({ length: 73 }, (_, i) => i)
    const { block } = await chain.setCommitment(netuid, miner, bytes)
    const found = (await chain.commitments(netuid)).get(miner.address)
    expect(found).toEqual({ bytes, block: block.number })
    expect(await chain.blockAt(block.number)).toEqual(block)
    expect(await chain.bestBlock()).toBeGreaterThanOrEqual(block.number)
    const place = await chain.commitmentIn(netuid, miner.address, block.number)
    expect(place).toEqual({ block, index: expect.any(Number), bytes, isCertain: true })
    expect(await chain.commitmentIn(netuid, miner.address, block.number - 1)).toBeUndefined()
    expect(await chain.commitmentIn(netuid, miner.address, block.number + 1000)).toBeUndefined()
    const perBlocks = chain.info().specVersion === 218 ? 100 : undefined
    const due = perBlocks === undefined ? 0 : block.number + perBlocks
    expect(await chain.commitmentDue(netuid, miner.address)).toBe(due)
    await expect(chain.setCommitment(netuid, fresh('sr25519'), bytes)).rejects.toMatchObject({
      details: { error: 'AccountNotAllowedCommit' },
    })
  })

  test('weights need a permit, which the next epoch gives, and are read back as the chain scaled them', async () => {
    const [me, other] = [await uidOf(validator), await uidOf(miner)]
    const permitted = async () => (await chain.metagraph(netuid)).neurons[me]!.validatorPermit
    await ground.until(permitted)
    const weights = [
      [me, 13107],
      [other, 65535],
    ] as const
    const scores = new Map([
      [me, 1],
      [other, 5],
    ])
    const outcome = await chain.submitWeights(netuid, validator, scores)
    expect(outcome).toMatchObject({ kind: 'direct', weights })
    expect((await chain.weights(netuid)).get(me)).toEqual(weights)
    const nothing = await chain.submitWeights(netuid, validator, new Map([[me, 0]]))
    expect(nothing).toMatchObject({ kind: 'skipped', reason: 'BAD_ROW' })
    expect(await chain.submitWeights(netuid, fresh('sr25519'), new Map([[me, 1]]))).toMatchObject({
      kind: 'skipped',
      reason: 'UNREGISTERED',
    })
    const rules = await chain.weightRules(netuid, validator.address)
    expect(rules).toMatchObject({ uid: me, permit: true, stakeSuffices: true, way: 'direct' })
    if (!ground.permits) return
    expect(await chain.submitWeights(netuid, miner, new Map([[me, 1]]))).toMatchObject({
      kind: 'skipped',
      reason: 'NO_PERMIT',
      retryAtBlock: expect.any(Number),
    })
  })

  test('what the next epoch works on is read as it stands', async () => {
    const { neurons } = await chain.metagraph(netuid)
    const { hotkeys, state, emission } = await chain.yuma(netuid)
    expect(hotkeys).toEqual(neurons.map(({ hotkey }) => hotkey))
    const me = hotkeys.indexOf(validator.address)
    expect(state.weights[me]).toEqual((await chain.weights(netuid)).get(me))
    expect(state.neurons.map(({ permit }) => permit)).toEqual(
      neurons.map(({ validatorPermit }) => validatorPermit),
    )
    expect(state.block).toBeGreaterThan(0)
    expect(emission).toBeGreaterThanOrEqual(0n)
  })

  test('epochs count up at their block', async () => {
    const epoch = await chain.epoch(netuid)
    const span = chain.info().features.statefulEpochs ? epoch.tempo : epoch.tempo + 1
    expect(epoch.next - epoch.last).toBeLessThanOrEqual(span)
    expect(epoch.blocksLeft).toBeGreaterThanOrEqual(0)
    await ground.until(async () => (await chain.epoch(netuid)).index > epoch.index)
  })

  test('a transfer moves rao, more than there is fails', async () => {
    const to = fresh('sr25519')
    await chain.transfer(DEV_ACCOUNT, to.address, 3n * TAO)
    expect(await chain.balance(to.address)).toBe(3n * TAO)
    await expect(chain.transfer(to, DEV_ACCOUNT.address, 3n * TAO)).rejects.toMatchObject({
      code: expect.stringMatching(/^CHAIN_(DISPATCH|POOL)$/),
    })
    expect(await chain.balance(to.address)).toBeGreaterThan(2n * TAO)
  })

  test('heads are told one after another', async () => {
    const seen: number[] = []
    const stop = new AbortController()
    await chain.onHead(({ number }) => seen.push(number), stop.signal)
    await ground.until(async () => seen.length >= 3)
    stop.abort()
    expect(seen).toEqual(seen.map((_, i) => seen[0]! + i))
  })
}
