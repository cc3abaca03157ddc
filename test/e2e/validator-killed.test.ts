import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { AttestationRow } from '../../src/api/scores.ts'
import type { ControlClient } from '../../src/node/control/client.ts'
import { startChild } from '../../src/node/devnet/child.ts'
import type { NodeEvent } from '../../src/node/events.ts'
import { clientOf, startProcessMarket } from '../support/process-market.ts'

/** The first event of a node that fits; `signal` ends the waiting. */
async function event(
  client: ControlClient,
  fits: (event: NodeEvent) => boolean,
  signal: AbortSignal,
): Promise<NodeEvent> {
  for await (const happened of client.events(signal)) if (fits(happened)) return happened
  throw new Error('the node stopped')
}

async function until<T>(look: () => Promise<T | undefined>, forMs: number): Promise<T> {
  for (const endMs = Date.now() + forMs; Date.now() < endMs; await delay(500)) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new Error(`not seen within ${forMs} ms`)
}

test('a validator killed between ticks and report testifies after its restart, and contradicts nothing', {
  timeout: 300_000,
}, async () => {
  const { named, stack, env, signal } = await startProcessMarket({ miners: 1, validators: 2 })
  const [first, second] = [named('validator-1'), named('validator-2')]
  const limit = AbortSignal.timeout(180_000)

  const committed = await event(
    clientOf(second),
    ({ event, rows }) => event === 'report-committed' && Number(rows) > 0,
    limit,
  )
  process.kill(second.pid, 'SIGKILL')
  await second.ended
  const { dataDir, name, role } = second.member
  const args = ['--role', role, '--data-dir', dataDir, '--json']
  const again = await startChild({ name, args, dataDir, env, signal })
  stack.defer(() => again.stop())
  expect(again.ready['peerId']).toBe(second.peerId)

  const witness = clientOf(first)
  const row = await until(async () => {
    const path = `/v1/attestations?limit=5000&peer=${second.peerId}`
    const { items } = await witness.get<{ items: AttestationRow[] }>(path)
    return items.find(({ slot, steps }) => slot === committed['slot'] && steps !== null)
  }, 120_000)
  expect(row).toMatchObject({ validator: second.peerId, equivocated: false })
  const happened = await witness.get<{ items: AttestationRow[] }>('/v1/attestations?limit=5000')
  expect(happened.items.filter(({ equivocated }) => equivocated)).toEqual([])
})
