// Weights through the adapter where a subnet hides them behind the chain's beacon, on the embedded chain.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import type { PendingTimelock, PendingWeights } from '../../src/chain/pending-weights.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { sleep } from '../../src/clock.ts'
import { silent } from '../../src/log.ts'

const validator = keyFromSeed('sr25519', new Uint8Array(32).fill(61))
const TEMPO = 40
let folder = ''
let life: AbortController
let dev: DevChain
let chain: Chain

beforeAll(async () => {
  life = new AbortController()
  folder = await mkdtemp(join(tmpdir(), 'cn-timelocked-'))
  const options = { dataDir: folder, blockMs: 100, tempo: TEMPO, commitReveal: true, log: silent }
  dev = await startDevChain({ ...options, signal: life.signal })
  chain = await connectChain(dev.url, { log: silent, signal: life.signal })
  await chain.register(1, DEV_ACCOUNT, validator.address)
  await chain.addStake(1, DEV_ACCOUNT, validator.address, 1_000_000_000n)
  while (!(await chain.metagraph(1)).neurons[0]!.validatorPermit) await sleep(50)
}, 60_000)

afterAll(async () => {
  await chain.close()
  life.abort()
  await dev.close()
  await rm(folder, { recursive: true })
})

test('they are kept signed, sent once, shown with their block, and opened by the chain', async () => {
  const kept: PendingWeights[] = []
  const keep = async (pending: PendingWeights): Promise<void> => void kept.push(pending)
  const outcome = await chain.submitWeights(1, validator, new Map([[0, 3]]), { keep })
  const { signed, ...pending } = kept.at(-1) as PendingTimelock
  expect(outcome).toMatchObject({ kind: 'timelock', weights: [[0, 65_535]], sealed: pending })
  expect((await chain.weightRules(1, validator.address)).way).toBe('timelock')
  expect(await chain.weights(1)).toEqual(new Map())
  const [shown] = await chain.timelockedCommits(1)
  expect(shown).toMatchObject({
    hotkey: validator.address,
    hash: pending.hash,
    round: pending.round,
    epoch: pending.committedAt,
    state: 'early',
  })
  expect(shown!.opensAt).toBeGreaterThanOrEqual(shown!.closesAt - TEMPO)
  expect(shown!.opensAt).toBeLessThan(shown!.closesAt)
  // Whoever looks it up later finds the block in which it stands, and sends nothing.
  const block = outcome.kind === 'timelock' && outcome.block
  expect(await chain.resume(signed!)).toMatchObject({ block })
  while ((await chain.timelockedCommits(1)).length > 0) await sleep(50)
  expect(await chain.weights(1)).toEqual(new Map([[0, [[0, 65_535]]]]))
  const { block: now, epoch } = await chain.weightRules(1, validator.address)
  expect(epoch.index).toBe(pending.committedAt + 1)
  expect(now.number).toBeLessThan(shown!.closesAt)
}, 60_000)

test('a kept transaction that no block will take, and one whose nonce another took, are over', async () => {
  const kept: PendingWeights[] = []
  const keep = async (pending: PendingWeights): Promise<void> => void kept.push(pending)
  await chain.submitWeights(1, validator, new Map([[0, 3]]), { keep })
  const signed = kept.at(-1)!.signed!
  const bytes = `${signed.bytes.slice(0, -4)}0500` // another version than was signed
  expect(await chain.resume({ ...signed, bytes })).toBeUndefined()
  const later = { ...signed, bytes, nonce: signed.nonce + 9 }
  expect(await chain.resume({ ...later, until: signed.since + 1 })).toBeUndefined()
  // Refused for good: nobody waits for the end of its era.
  const until = (await chain.head()).number + 64
  expect(await chain.resume({ ...later, until })).toBeUndefined()
  expect((await chain.head()).number).toBeLessThan(until)
}, 60_000)
