import { expect, test } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import type { Backend, ProofSizes } from '../../../src/gpu/backend.ts'
import { announcingMiner } from '../../support/announcing-miner.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket, type Member } from '../../support/slot-market.ts'
import { createTamperedBackend } from '../../support/tampered-backend.ts'

/** An honest device whose first fill is long in coming, as with a cold driver that compiles its kernels. */
function slowlyFilled(firstMs: number): Backend {
  const backend = createTamperedBackend()
  const { prepare } = backend
  let isFirst = true
  return Object.assign(backend, {
    async prepare(sizes: ProofSizes) {
      if (isFirst) await sleep(firstMs)
      isFirst = false
      await prepare(sizes)
    },
  })
}

const verdictsAbout = (validator: Member, miner: Member) =>
  validator.events.filter((e) => e.event === 'slot-verdict' && e['miner'] === miner.peerId)

test('an honest miner whose first fill is slow is expected in no slot before it holds it, and VALID from the first', {
  timeout: 120_000,
}, async () => {
  const market = createSlotMarket({ round: 8 })
  const validator = await market.node('validator')
  const known = market.shared.capabilities
  const backend = slowlyFilled(7000) // from round 9 on: past the windows of slot 12
  const miner = await market.node('miner', {
    backend,
    service: (parts) => announcingMiner(parts, known),
  })
  await eventually(() => verdictsAbout(validator, miner).length > 0, 'a verdict', 100_000)
  expect(verdictsAbout(validator, miner).map(({ verdict }) => verdict)).toEqual(['VALID'])
  const begun = validator.events.filter(({ event }) => event === 'slot-started')
  expect(begun.slice(0, -1).map(({ gpus }) => gpus)).not.toContain(1)
  const [filled] = miner.events.filter(({ event }) => event === 'gpu-filled')
  const announced = miner.events.find(
    (e) => e.event === 'capability-announced' && e['devices'] !== '',
  )
  expect(announced!.atMs).toBeGreaterThanOrEqual(filled!.atMs)
})
