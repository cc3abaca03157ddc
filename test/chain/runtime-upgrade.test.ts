import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { expect, test } from 'vitest'
import type { Origin } from '../../src/chain/dev/chain-store.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import type { PendingWeights } from '../../src/chain/pending-weights.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { sleep } from '../../src/clock.ts'
import { silent } from '../../src/log.ts'
import { proxyChain } from '../support/chain-proxy.ts'

const SUBMIT = 'author_submitAndWatchExtrinsic'
const TAO = 1_000_000_000n
const hotkey = keyFromSeed('sr25519', new Uint8Array(32).fill(6))
const to = keyFromSeed('sr25519', new Uint8Array(32).fill(7)).address

/** Stops a chain of spec 218 and starts it again, on its port and with its state, under the runtime 424. */
async function upgrade(dev: DevChain, folder: string, signal: AbortSignal): Promise<DevChain> {
  await dev.close()
  const db = new Level<string, string>(folder)
  const meta = db.sublevel<string, Origin>('meta', { valueEncoding: 'json' })
  await meta.put('origin', { ...(await meta.get('origin'))!, spec: 424 })
  await db.close()
  const port = Number(new URL(dev.url).port)
  return startDevChain({ dataDir: folder, spec: 424, port, blockMs: 100, log: silent, signal })
}

test('an upgrade of the runtime is followed, and what was on its way is signed for the new one, and kept so', async () => {
  const { signal } = new AbortController()
  const folder = await mkdtemp(join(tmpdir(), 'cn-upgrade-'))
  const options = {
    dataDir: folder,
    spec: 218,
    blockMs: 100,
    tempo: 10,
    log: silent,
    signal,
  } as const
  const old = await startDevChain(options)
  const proxy = await proxyChain(old.url)
  const chain = await connectChain(proxy.url, { log: silent, signal })
  await chain.register(1, DEV_ACCOUNT, hotkey.address)
  await chain.addStake(1, DEV_ACCOUNT, hotkey.address, TAO)
  while (!(await chain.weightRules(1, hotkey.address)).permit) await sleep(50)
  expect(chain.info()).toMatchObject({ specVersion: 218, features: { statefulEpochs: false } })
  const before = await chain.metagraph(1)
  const submitted: string[] = []
  let isGone = true
  // The node that took them goes before a block has them.
  proxy.answer = (method, params) => {
    if (method !== SUBMIT) return undefined
    submitted.push(String(params[0]))
    return isGone ? 'gone' : undefined
  }
  const moved = chain.transfer(DEV_ACCOUNT, to, 2n * TAO)
  const kept: PendingWeights[] = []
  const keep = async (pending: PendingWeights): Promise<void> => {
    expect(submitted).not.toContain(pending.signed!.bytes)
    kept.push(pending)
  }
  const set = chain.submitWeights(1, hotkey, new Map([[0, 1]]), { keep })
  while (submitted.length < 2) await sleep(20)
  isGone = false
  const dev = await upgrade(old, folder, signal)
  expect((await moved).events).toContain('balances.Transfer')
  const outcome = await set
  expect(kept.map(({ signed }) => signed!.specVersion)).toEqual([218, 424])
  expect(await chain.resume(kept[0]!.signed!)).toBeUndefined()
  expect(await chain.resume(kept[1]!.signed!)).toMatchObject({
    block: outcome.kind === 'direct' && outcome.block,
  })
  expect(await chain.balance(to)).toBe(2n * TAO)
  expect(chain.info()).toMatchObject({
    specVersion: 424,
    features: { statefulEpochs: true, timelock: true, stakeThreshold: true },
  })
  const after = await chain.metagraph(1)
  expect(after.neurons.map((one) => one.hotkey)).toEqual(before.neurons.map((one) => one.hotkey))
  expect(await chain.weightRules(1, hotkey.address)).toMatchObject({ uid: 0, stakeThreshold: 0n })
  // The old bytes of both as often as they were asked for, then others, once.
  expect(new Set(submitted).size).toBe(4)
  await chain.close()
  await proxy.close()
  await dev.close()
  await rm(folder, { recursive: true })
})
