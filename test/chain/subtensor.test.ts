import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Chain, PendingReveal } from '../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { type Hotkey, keyFromSeed } from '../../src/chain/keys.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { runYuma } from '../../src/chain/yuma/epoch.ts'
import { silent } from '../../src/log.ts'

const TAO = 1_000_000_000n
const seeded = (type: 'sr25519' | 'ed25519', n: number): Hotkey =>
  keyFromSeed(type, new Uint8Array(32).fill(n))

const validator = seeded('sr25519', 1)
const miner = seeded('ed25519', 2)

describe.each([218, 424] as const)('the adapter against an embedded chain of spec %d', (spec) => {
  const life = new AbortController()
  let folder = ''
  let dev: DevChain
  let chain: Chain

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cn-chain-'))
    const options = { dataDir: folder, spec, blockMs: 100, tempo: 5, log: silent }
    dev = await startDevChain({ ...options, signal: life.signal })
    chain = await connectChain(dev.url, { log: silent, signal: life.signal })
  })
  afterAll(async () => {
    await chain?.close()
    await dev?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const blocks = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
  }

  test('it finds the features in the metadata', () => {
    const { specVersion, features } = chain.info()
    expect(specVersion).toBe(spec)
    expect(Object.values(features)).toEqual(Array(4).fill(spec === 424))
    expect(`0x${Buffer.from(chain.genesis).toString('hex')}`).toBe(dev.genesis)
  })

  test('two keys register at once from one account, and stake', async () => {
    await Promise.all([
      chain.register(1, DEV_ACCOUNT, validator.address),
      chain.register(1, DEV_ACCOUNT, miner.address),
    ])
    const { events } = await chain.addStake(1, DEV_ACCOUNT, validator.address, 1000n * TAO)
    expect(events).toContain('subtensorModule.StakeAdded')
    const { neurons } = await chain.metagraph(1)
    expect(neurons.map(({ hotkey }) => hotkey)).toEqual([validator.address, miner.address])
    expect(neurons[0]).toMatchObject({ uid: 0, coldkey: DEV_ACCOUNT.address, incentive: 0 })
    expect(neurons[0]!.stake).toBeGreaterThan(990n * TAO)
    expect(neurons[1]!.hotkeyPublicKey).toEqual(miner.publicKey)
    const { timeMs } = await chain.metagraph(1)
    expect(Math.abs(timeMs! - Date.now())).toBeLessThan(3_600_000) // by its own clock, whose first block says now
  })

  test('a failed call names its error and what to do', async () => {
    await expect(chain.register(1, DEV_ACCOUNT, miner.address)).rejects.toMatchObject({
      code: 'CHAIN_DISPATCH',
      details: { error: 'HotKeyAlreadyRegisteredInSubNet' },
      next: expect.stringContaining('registered'),
    })
    await expect(chain.metagraph(77)).rejects.toMatchObject({ code: 'CHAIN_NO_SUBNET' })
  })

  test('a commitment is read back as it was written, by an ed25519 hotkey without a balance', async () => {
    const bytes = Uint8Array.from({ length: 73 }, (_, i) => i)
    const { block } = await chain.setCommitment(1, miner, bytes)
    const found = (await chain.commitments(1)).get(miner.address)
    expect(found).toEqual({ bytes, block: block.number })
    await expect(chain.setCommitment(1, seeded('sr25519', 9), bytes)).rejects.toMatchObject({
      details: { error: 'AccountNotAllowedCommit' },
    })
  })

  test('weights need a permit, which the next epoch gives, and are read back as the chain scaled them', async () => {
    await blocks(async () => (await chain.metagraph(1)).neurons[0]!.validatorPermit)
    const outcome = await chain.submitWeights(
      1,
      validator,
      new Map([
        [0, 1],
        [1, 5],
      ]),
    )
    expect(outcome).toMatchObject({
      kind: 'direct',
      weights: [
        [0, 13107],
        [1, 65535],
      ],
    })
    expect(await chain.weights(1)).toEqual(
      new Map([
        [
          0,
          [
            [0, 13107],
            [1, 65535],
          ],
        ],
      ]),
    )
    expect(await chain.submitWeights(1, miner, new Map([[0, 1]]))).toMatchObject({
      kind: 'skipped',
      reason: 'NO_PERMIT',
      retryAtBlock: expect.any(Number),
    })
    expect(await chain.submitWeights(1, seeded('sr25519', 9), new Map([[0, 1]]))).toMatchObject({
      kind: 'skipped',
      reason: 'UNREGISTERED',
    })
    expect(await chain.submitWeights(1, validator, new Map([[0, 0]]))).toMatchObject({
      kind: 'skipped',
      reason: 'BAD_ROW',
    })
    const rules = await chain.weightRules(1, validator.address)
    expect(rules).toMatchObject({ uid: 0, permit: true, stakeSuffices: true, way: 'direct' })
  })

  test('the next epoch pays by Yuma, as what was read beforehand says', async () => {
    const { state, emission, hotkeys } = await chain.yuma(1)
    expect(hotkeys).toEqual([validator.address, miner.address])
    const cut = spec === 424 ? 11_796n : 5898n
    expect(emission).toBe(5n * (TAO - (TAO * cut) / 65_535n))
    expect(state.weights).toEqual([
      [
        [0, 13107],
        [1, 65535],
      ],
      [],
    ])
    const [first, second] = runYuma(state, emission)
    await blocks(async () => (await chain.metagraph(1)).neurons[1]!.incentive > 0)
    const { neurons } = await chain.metagraph(1)
    expect(neurons.map(({ incentive }) => incentive)).toEqual([0, second!.incentive])
    expect(neurons.map(({ dividends }) => dividends)).toEqual([first!.dividends, 0])
    expect([first!.dividends, second!.incentive]).toEqual([65_535, 65_535])
    expect(neurons[1]!.emission).toBeGreaterThanOrEqual(emission / 2n)
    const after = await chain.yuma(1)
    expect(after.state.bonds).toEqual([[[1, 65_535]], []])
    expect(after.state.lastEpochBlock).toBeGreaterThan(0)
  })

  test('epochs count up at their block', async () => {
    const epoch = await chain.epoch(1)
    expect(epoch.next - epoch.last).toBeLessThanOrEqual(spec === 424 ? 5 : 6)
    expect(epoch.blocksLeft).toBeGreaterThanOrEqual(0)
    await blocks(async () => (await chain.epoch(1)).index > epoch.index)
  })

  test('a transfer moves rao, more than there is fails', async () => {
    const to = seeded('sr25519', 50)
    await chain.transfer(DEV_ACCOUNT, to.address, 3n * TAO)
    expect(await chain.balance(to.address)).toBe(3n * TAO)
    await expect(chain.transfer(to, DEV_ACCOUNT.address, 3n * TAO)).rejects.toMatchObject({
      code: 'CHAIN_DISPATCH',
    })
  })

  test('heads are told one after another', async () => {
    const seen: number[] = []
    const stop = new AbortController()
    await chain.onHead(({ number }) => seen.push(number), stop.signal)
    await blocks(async () => seen.length >= 3)
    stop.abort()
    expect(seen).toEqual(seen.map((_, i) => seen[0]! + i))
  })
})

describe.each([218, 424] as const)('hash commits on spec %d', (spec) => {
  test('weights are kept before they are committed, hidden, and revealed in a later epoch', async () => {
    const life = new AbortController()
    const folder = await mkdtemp(join(tmpdir(), 'cn-commit-'))
    const options = {
      dataDir: folder,
      spec,
      blockMs: 100,
      tempo: 30,
      commitReveal: true,
      log: silent,
    }
    const dev = await startDevChain({ ...options, signal: life.signal })
    const chain = await connectChain(dev.url, { log: silent, signal: life.signal })
    await chain.register(1, DEV_ACCOUNT, validator.address)
    await chain.addStake(1, DEV_ACCOUNT, validator.address, TAO)
    const until = async (condition: () => Promise<boolean>): Promise<void> => {
      while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await until(async () => (await chain.metagraph(1)).neurons[0]!.validatorPermit)
    const kept: PendingReveal[] = []
    const keep = async (reveal: PendingReveal) => void kept.push(reveal)
    const outcome = await chain.submitWeights(1, validator, new Map([[0, 3]]), { keep })
    expect(outcome).toMatchObject({ kind: 'hash', reveal: kept[0] })
    expect(await chain.weights(1)).toEqual(new Map())
    const tooEarly = chain.revealWeights(validator, kept[0]!)
    await expect(tooEarly).rejects.toMatchObject({ details: { error: 'RevealTooEarly' } })
    const { index } = await chain.epoch(1)
    await until(async () => (await chain.epoch(1)).index > index)
    await chain.revealWeights(validator, kept[0]!)
    expect(await chain.weights(1)).toEqual(new Map([[0, [[0, 65535]]]]))
    await chain.close()
    await dev.close()
    await rm(folder, { recursive: true })
  })
})

test('an endpoint that does not answer is said in one clear error', async () => {
  const { signal } = new AbortController()
  const options = { log: silent, signal, timeoutMs: 500 }
  await expect(connectChain('ws://127.0.0.1:9', options)).rejects.toMatchObject({
    code: 'CHAIN_UNREACHABLE',
  })
  await expect(connectChain('http://x', options)).rejects.toMatchObject({
    code: 'BAD_CONFIG_CHAIN',
  })
})
