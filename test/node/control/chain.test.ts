import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { MadeToken } from '../../../src/api/access.ts'
import { chainRoutes } from '../../../src/api/chain.ts'
import type { Scope } from '../../../src/api/route.ts'
import { startDevChain } from '../../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../../src/chain/dev-account.ts'
import { connectChain } from '../../../src/chain/subtensor.ts'
import { createWallet, loadHotkey } from '../../../src/chain/wallet.ts'
import { silent } from '../../../src/log.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { localNode } from '../../support/local-node.ts'

const TAO = 1_000_000_000n

test('what stands on the chain is read over the connection that a node has', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-chain-api-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const { signal } = life
  const dev = await startDevChain({ dataDir: join(folder, 'chain'), log: silent, signal })
  const chain = await connectChain(dev.url, { log: silent, signal })
  onTestFinished(() => chain.close())
  const wallet = { path: join(folder, 'wallets'), name: 'w', hotkey: 'h' }
  await createWallet(wallet)
  const hotkey = (await loadHotkey(wallet)).address
  await chain.register(1, DEV_ACCOUNT, hotkey)
  await chain.addStake(1, DEV_ACCOUNT, hotkey, TAO)

  const config = { chain: [dev.url], genesis: dev.genesis.slice(2), netuid: 1 }
  const keys = { walletPath: wallet.path, walletName: 'w', walletHotkey: 'h' }
  await using node = await localNode({ roles: ['renter'], apiPort: 0, ...config, ...keys })
  using client = createControlClient(node.control.socketPath)
  const get = (path: string) => client.get(`/v1/chain/${path}`)
  await vi.waitFor(() => get('metagraph'), { timeout: 20_000 })

  const { items } = chainRoutes.listNeurons.answer.parse(await get('metagraph'))
  const neuron = items.find((one) => one.hotkey === hotkey)
  expect(neuron).toMatchObject({ coldkey: DEV_ACCOUNT.address, boundAt: null, peers: [] })
  const { mine } = chainRoutes.listWeights.answer.parse(await get('weights'))
  expect(mine).toMatchObject({ hotkey, uid: neuron!.uid })
  const { address } = DEV_ACCOUNT
  const found = await get(`balances?address=${address},${hotkey}`)
  const [account, poor] = chainRoutes.listBalances.answer.parse(found).items
  expect(account!.hotkeys).toContainEqual(expect.objectContaining({ hotkey, owned: true }))
  expect(poor).toMatchObject({ address: hotkey, free: '0', hotkeys: [] })
  // Whose wallet it is, is no matter of those who only look.
  const holdings = async (scope: Scope, query: string) => {
    const { token } = await client.post<MadeToken>('/v1/tokens', { label: scope, scope })
    const headers = { authorization: `Bearer ${token}` }
    const url = `${node.control.apiUrl}/v1/chain/balances${query}`
    return (await fetch(url, { headers })).status
  }
  expect(await holdings('read', '')).toBe(403)
  expect(await holdings('rent', '')).toBe(200)
  expect(await holdings('read', `?address=${address}`)).toBe(200)
  const delegates = chainRoutes.listDelegates.answer.parse(await get('delegates')).items
  expect(delegates).toContainEqual(expect.objectContaining({ hotkey, nominators: 1 }))
  const one = chainRoutes.getDelegate.answer.parse(await get(`delegates/${hotkey}`))
  expect(one.items.map(({ coldkey, owner }) => [coldkey, owner])).toEqual([[address, true]])
  // Whom a hotkey binds, by its address alone; what would be, without anything sent.
  const bound = chainRoutes.listHotkeyBindings.answer.parse(await get(`bindings/${hotkey}`))
  expect(bound).toMatchObject({ hotkey, committed: false, complete: true, items: [] })
  await expect(get('bindings/5Typo')).rejects.toMatchObject({ code: 'BAD_CONFIG_VALUE' })
  const simulated = (body: object) => client.post('/v1/chain/simulate', body)
  const { uid } = neuron!
  const asked = { epochs: 2, stakes: [{ uid, stake: '1000' }] }
  const { items: after, epochs } = chainRoutes.simulate.answer.parse(await simulated(asked))
  expect(epochs).toBe(2)
  expect(after[uid]).toMatchObject({ hotkey, stake: '1000', before: expect.anything() })
  for (const wrong of [{ stakes: [{ uid: 999, stake: '1' }] }, { copier: 999 }])
    await expect(simulated(wrong)).rejects.toMatchObject({ code: 'BAD_CONFIG_UID' })
  await expect(simulated({ epochs: 5000 })).rejects.toMatchObject({ code: 'BAD_CONFIG_VALUE' })
  await expect(get('delegates/5Typo')).rejects.toMatchObject({ code: 'BAD_CONFIG_VALUE' })
  await expect(get('balances?address=5Typo')).rejects.toMatchObject({ code: 'BAD_CONFIG_VALUE' })
})

test('a node that asks no chain says so', async () => {
  await using node = await localNode({ roles: ['renter'] })
  using client = createControlClient(node.control.socketPath)
  for (const path of ['metagraph', 'weights', 'delegates'])
    await expect(client.get(`/v1/chain/${path}`)).rejects.toMatchObject({
      code: 'NOTHING_MATCHED',
      message: 'this node asks no chain',
    })
})
