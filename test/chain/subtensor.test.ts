import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { toHex } from '../../src/chain/hex.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import type { PendingReveal, PendingWeights } from '../../src/chain/pending-weights.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { runYuma } from '../../src/chain/yuma/epoch.ts'
import { silent } from '../../src/log.ts'
import { proxyChain } from '../support/chain-proxy.ts'
import { answersWith, hasRealMetadata, realMetadata } from '../support/real-runtime.ts'
import { requireOrSkip } from '../support/skips.ts'
import { adapterSuite } from './adapter-suite.ts'

const TAO = 1_000_000_000n
const validator = keyFromSeed('sr25519', new Uint8Array(32).fill(1))

const grounds = [
  { spec: 218, real: false },
  { spec: 424, real: false },
  { spec: 218, real: true },
  { spec: 424, real: true },
] as const

// With the real metadata every call the adapter makes is encoded, and everything it reads decoded, as the real runtime
// has it, while the chain behind keeps to its own table.
describe.each(grounds)('the adapter, spec $spec, real metadata: $real', ({ spec, real }) => {
  const available = !real || requireOrSkip(hasRealMetadata(spec), `real metadata of spec ${spec}`)
  describe.skipIf(!available)('on an embedded chain', () => {
    let chain: Chain
    let genesis = ''
    adapterSuite(async () => {
      const life = new AbortController()
      const folder = await mkdtemp(join(tmpdir(), 'cn-chain-'))
      const options = { dataDir: folder, spec, blockMs: 100, tempo: 5, log: silent }
      const dev = await startDevChain({ ...options, signal: life.signal })
      const proxy = await proxyChain(dev.url)
      if (real) proxy.answer = answersWith(realMetadata(spec))
      chain = await connectChain(proxy.url, { log: silent, signal: life.signal })
      genesis = dev.genesis
      return {
        chain,
        netuid: 1,
        neurons: 0,
        permits: true,
        queues: true,
        leastStake: 990n,
        async until(condition) {
          while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
        },
        async close() {
          await chain.close()
          await proxy.close()
          await dev.close()
          await rm(folder, { recursive: true, force: true })
        },
      }
    })

    test('the next epoch pays by Yuma, as what was read beforehand says', async () => {
      const registered = (await chain.metagraph(1)).neurons.map(({ hotkey }) => hotkey)
      const { state, emission, hotkeys } = await chain.yuma(1)
      expect(hotkeys).toEqual(registered)
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
      while ((await chain.metagraph(1)).neurons[1]!.incentive === 0)
        await new Promise((resolve) => setTimeout(resolve, 50))
      const { neurons } = await chain.metagraph(1)
      expect(neurons.map(({ incentive }) => incentive)).toEqual([0, second!.incentive])
      expect(neurons.map(({ dividends }) => dividends)).toEqual([first!.dividends, 0])
      expect([first!.dividends, second!.incentive]).toEqual([65_535, 65_535])
      expect(neurons[1]!.emission).toBeGreaterThanOrEqual(emission / 2n)
      const after = await chain.yuma(1)
      expect(after.state.bonds).toEqual([[[1, 65_535]], []])
      expect(after.state.lastEpochBlock).toBeGreaterThan(0)
    })

    test('it finds the features in the metadata', () => {
      const { specVersion, features } = chain.info()
      expect(specVersion).toBe(spec)
      expect(Object.values(features)).toEqual(Object.values(features).map(() => spec === 424))
      expect(toHex(chain.genesis)).toBe(genesis)
    })
  })
})

describe.each([218, 424] as const)('hash commits on spec %d', (spec) => {
  test('weights are kept before they are committed, hidden, and revealed in a later epoch', async () => {
    const life = new AbortController()
    const folder = await mkdtemp(join(tmpdir(), 'cn-commit-'))
    const options = {
      dataDir: folder,
      spec,
      beaconPeriodMs: 1500, // not in whole seconds: weights cannot be timelocked to it
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
    const keep = async (pending: PendingWeights) => void kept.push(pending as PendingReveal)
    const outcome = await chain.submitWeights(1, validator, new Map([[0, 3]]), { keep })
    const { signed, ...reveal } = kept[0]!
    expect(outcome).toMatchObject({ kind: 'hash', reveal })
    const found = await chain.resume(signed!)
    expect(found?.block).toEqual(outcome.kind === 'hash' && outcome.block)
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
