// A market of processes on an embedded chain: what one process revokes, the running others stop believing.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { BindingsAnswer } from '../../src/api/network.ts'
import type { ControlClient } from '../../src/node/control/client.ts'
import { clientOf, startProcessMarket } from '../support/process-market.ts'
import { runCli } from '../support/run-cli.ts'

const believes = ({ items }: BindingsAnswer, peerId: string): boolean =>
  items.some((one) => one.peerId === peerId)

/** The first answer in which a PeerId is, or is not, believed; those before it too, with the block that each is of. */
async function until(
  client: ControlClient,
  peerId: string,
  isBelieved: boolean,
  before: BindingsAnswer[] = [],
): Promise<BindingsAnswer> {
  for (const endMs = Date.now() + 180_000; Date.now() < endMs; await delay(200)) {
    const answer = await client.get<BindingsAnswer>('/v1/bindings')
    if (believes(answer, peerId) === isBelieved) return answer
    before.push(answer)
  }
  throw new Error(`${peerId} is ${isBelieved ? 'not' : 'still'} believed`)
}

test('a running validator stops believing a revoked miner once it has read the block of that, and believes it again once it is bound anew', {
  timeout: 600_000,
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
  const still: BindingsAnswer[] = []
  const [after] = await Promise.all([
    until(validator, miner.peerId, false, still),
    bind('remove', miner.peerId),
  ])
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
  // Not in how many blocks: a busy machine may have made any number until the node's next look.
  expect(after.block).toBeGreaterThanOrEqual(row.boundAt)
  expect(still.length).toBeGreaterThan(0)
  for (const { block } of still) expect(block).toBeLessThan(row.boundAt)

  await bind()
  const again = await until(validator, miner.peerId, true)
  const [anew] = again.items.filter(({ peerId }) => peerId === miner.peerId)
  expect(anew!.sinceBlock).toBeGreaterThan(row.boundAt)
})
