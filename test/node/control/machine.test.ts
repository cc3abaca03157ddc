import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { machineRoutes, type WalletRow } from '../../../src/api/machine.ts'
import { createWallet } from '../../../src/chain/wallet.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import type { Finding } from '../../../src/node/doctor/finding.ts'
import { localNode } from '../../support/local-node.ts'

test("a node tells what its machine has, and its wallets' keys without their secrets", async () => {
  const walletPath = await mkdtemp(join(tmpdir(), 'cn-wallets-'))
  onTestFinished(() => rm(walletPath, { recursive: true }))
  const { hotkey, coldkey } = await createWallet({ path: walletPath, name: 'ann', hotkey: 'first' })
  await using node = await localNode({ roles: ['renter'], walletPath })
  using client = createControlClient(node.control.socketPath)

  const reports = await Promise.all(
    [1, 2].map(() => client.get<{ items: Finding[] }>('/v1/doctor')),
  )
  const { items } = machineRoutes.getDoctorReport.answer.parse(reports[0])
  expect(reports[1]).toEqual(reports[0]) // one look
  const found = new Map(items.map((one) => [one.check, one.ok]))
  expect([...found.keys()]).toEqual(expect.arrayContaining(['node', 'memory', 'disk', 'clock']))
  expect(found.get('data-folder')).toBe(true)

  const wallets = await client.get<{ items: WalletRow[] }>('/v1/wallets')
  const common = { name: 'ann', keyType: 'sr25519', encrypted: false }
  expect(machineRoutes.listWallets.answer.parse(wallets).items).toEqual([
    { ...common, key: 'coldkey', hotkey: null, address: coldkey },
    { ...common, key: 'hotkey', hotkey: 'first', address: hotkey.address },
  ])
  expect(machineRoutes.listWallets.scope).toBe('operate')
})
