// The same promises on a real runtime: SUBTENSOR_WS=ws://127.0.0.1:9944 of a localnet or chopsticks (docs/chain.md).
import { describe, expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import type { PendingReveal, PendingWeights } from '../../src/chain/pending-weights.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { type ChainProxy, proxyChain } from '../support/chain-proxy.ts'
import { type LiveSubtensor, prepareLive } from '../support/live-subtensor.ts'
import { endpointOrSkip } from '../support/skips.ts'
import { adapterSuite } from './adapter-suite.ts'

const url = process.env['SUBTENSOR_WS'] ?? ''

const TAO = 1_000_000_000n
const SUBMIT = 'author_submitAndWatchExtrinsic'
const fresh = () => keyFromSeed('sr25519', crypto.getRandomValues(new Uint8Array(32)))

describe.skipIf(!endpointOrSkip(url !== '', 'a real subtensor (SUBTENSOR_WS)'))(
  'the adapter on a real runtime',
  { timeout: 600_000 },
  () => {
    let spec = 0
    let live: LiveSubtensor
    let proxy: ChainProxy
    let chain: Chain
    adapterSuite(async () => {
      const life = new AbortController()
      live = await prepareLive(url)
      proxy = await proxyChain(url)
      chain = await connectChain(proxy.url, { log: silent, signal: life.signal })
      spec = chain.info().specVersion
      return {
        chain,
        netuid: live.netuid,
        neurons: live.neurons,
        queues: live.queues,
        leastStake: 490n,
        permits: spec !== 218, // the devnet's runtime 218 runs a stand-in for epochs
        async until(condition) {
          while (!(await condition())) await live.nextBlock()
        },
        async close() {
          await chain.close()
          await proxy.close()
          await live.close()
        },
      }
    })

    test.each(['client', 'chain'] as const)(
      'a transaction is sent once, though the connection is cut when the %s speaks',
      async (cutFrom) => {
        const to = fresh().address
        const submitted: string[] = []
        let isCut = false
        proxy.pass = (from, { params }, method) => {
          if (method !== SUBMIT) return true
          if (from === 'client') submitted.push(String(params![0]))
          if (isCut || from !== cutFrom) return true
          isCut = true
          return false
        }
        const { events } = await chain.transfer(DEV_ACCOUNT, to, 2n * TAO)
        proxy.pass = undefined
        expect([isCut, new Set(submitted).size]).toEqual([true, 1])
        expect(events).toContain('balances.Transfer')
        expect(await chain.balance(to)).toBe(2n * TAO)
      },
    )

    test('hidden weights are kept and committed; behind a hash, refused too early and revealed in their epoch', async () => {
      const { netuid } = live
      const validator = fresh()
      await chain.register(netuid, DEV_ACCOUNT, validator.address)
      await chain.addStake(netuid, DEV_ACCOUNT, validator.address, 1000n * TAO)
      const rules = () => chain.weightRules(netuid, validator.address)
      while (!(await rules()).permit) await live.nextBlock()
      await live.admin('sudoSetCommitRevealWeightsEnabled', netuid, true)
      const uid = (await rules()).uid!
      const kept: PendingWeights[] = []
      const keep = async (pending: PendingWeights) => void kept.push(pending)
      const scores = new Map([
        [0, 1],
        [uid, 3],
      ])
      const outcome = await chain.submitWeights(netuid, validator, scores, { keep })
      const { signed, ...pending } = kept.at(-1)!
      const found = await chain.resume(signed!)
      expect(found?.block).toEqual(outcome.kind !== 'skipped' && outcome.block)
      if (pending.way === 'timelock') {
        // A state that was taken over has a beacon, and nobody who goes on telling its pulses: nothing is opened.
        expect(outcome).toMatchObject({ kind: 'timelock', sealed: pending })
        const own = (await chain.timelockedCommits(netuid)).find(
          ({ hash }) => hash === pending.hash,
        )
        expect(own).toMatchObject({ hotkey: validator.address, round: pending.round })
        return live.admin('sudoSetCommitRevealWeightsEnabled', netuid, false)
      }
      const reveal = pending as PendingReveal
      expect(outcome).toMatchObject({ kind: 'hash', reveal })
      const state = async () => (await chain.commitWindows(netuid, validator.address))[0]?.state
      if ((await state()) === 'early') {
        await expect(chain.revealWeights(validator, reveal)).rejects.toMatchObject({
          code: expect.stringMatching(/^CHAIN_(DISPATCH|POOL)$/),
        })
      }
      while ((await state()) === 'early') await live.nextBlock()
      await chain.revealWeights(validator, reveal)
      expect((await chain.weights(netuid)).get(uid)).toEqual([
        [0, 21_845],
        [uid, 65_535],
      ])
      await live.admin('sudoSetCommitRevealWeightsEnabled', netuid, false)
    })

    test('which runtime it was', () => {
      console.info(`real runtime: spec ${spec}`)
      expect(spec).toBeGreaterThan(0)
    })
  },
)
