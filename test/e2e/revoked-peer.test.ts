// A market of processes on an embedded chain: what one process revokes, the running others stop believing.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { BindingsAnswer } from '../../src/api/network.ts'
import type { ControlClient } from '../../src/node/control/client.ts'
import { clientOf, startProcessMarket } from '../support/process-market.ts'
import { runCli } from '../support/run-cli.ts'

/** The first answer in which a PeerId is, or is not, believed. */
async function until(
  client: ControlClient,
  peerId: string,
  isBelieved: boolean,
): Promise<BindingsAnswer> {
  for (const endMs = Date.now() + 90_000; Date.now() < endMs; await delay(200)) {
    const answer = await client.get<BindingsAnswer>('/v1/bindings')
    if (answer.items.some((one) => one.peerId === peerId) === isBelieved) return answer
  }
  throw new Error(`${peerId} is ${isBelieved ? 'not' : 'still'} believed`)
}

test('a running validator stops believing a revoked miner within a few blocks, and believes it again once it is bound anew', {
  timeout: 240_000,
}, async () => {
  const { named } = await startProcessMarket({ miners: 1, validators: 1 })
  const [miner, validator] = [named('miner-1'), clientOf(named('validator-1'))]
  const { dataDir, name } = miner.member
  const before = await until(validator, miner.peerId, true)
  const [bound] = before.items.filter(({ peerId }) => peerId === miner.peerId)

  const wallet = ['--wallet.path', join(dataDir, 'wallets'), '--wallet.name', name, '--json']
  const bind = async (...args: string[]): Promise<void> => {
    const run = await runCli(['chain', 'bind', ...args, ...wallet, '--data-dir', dataDir])
    expect([run.exitCode, run.stderr]).toEqual([0, ''])
  }
  await bind('remove', miner.peerId)
  const after = await until(validator, miner.peerId, false)
  const table = await runCli([
    'chain',
    'metagraph',
    '--json',
    '--data-dir',
    named('validator-1').member.dataDir,
  ])
  const { items } = JSON.parse(table.stdout) as {
    items: { hotkey: string; boundAt: number; peers: string[] }[]
  }
  const row = items.find(({ hotkey }) => hotkey === bound!.hotkey)!
  expect(row.peers).toEqual([])
  // A devnet's node reads the chain every 2 s; its blocks come every second or so.
  expect(after.block! - row.boundAt).toBeLessThanOrEqual(12)

  await bind()
  const again = await until(validator, miner.peerId, true)
  const [anew] = again.items.filter(({ peerId }) => peerId === miner.peerId)
  expect(anew!.sinceBlock).toBeGreaterThan(row.boundAt)
})
