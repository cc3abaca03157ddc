import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { reportCommitCodec } from '../../../src/protocols/attestations.ts'
import { peekRecord, recordTypes } from '../../../src/protocols/signed.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket } from '../../support/slot-market.ts'

test('a validator that stops between commit and report goes on with the same words', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'restarted-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const market = createSlotMarket()
  const witness = await market.node('validator')
  const miner = await market.node('miner')
  const first = await market.node('validator', { folder })
  const committed = () => first.events.find(({ event }) => event === 'report-committed')
  await eventually(() => committed() !== undefined, 'the report is committed to', 90_000)
  const slot = committed()!['slot'] as number
  expect(first.events.map(({ event }) => event)).not.toContain('report-gossiped')
  await first.stop()

  const again = await market.node('validator', { folder })
  expect(again.peerId).toBe(first.peerId)
  const said = () =>
    witness.parts.attestations
      .slots(slot, slot)
      .flatMap(({ testimony }) => testimony)
      .find(({ validator }) => validator === again.peerId)
  await eventually(() => said()?.report !== undefined, 'its report counts with its commit', 40_000)
  expect(said()).toMatchObject({
    equivocated: false,
    report: { slot, rows: [{ miner: miner.peerId }] },
  })
  expect(witness.parts.attestations.equivocations()).toEqual([])

  // Of a slot it saw only in part, it says nothing more than it had written.
  const started = again.events.filter(({ event }) => event === 'slot-started')
  expect(started.map((event) => event['slot'])).not.toContain(slot)
  const commits: number[] = []
  for await (const [, bytes] of witness.parts.attestations.books[0]!.records(undefined)) {
    const { type, payload } = peekRecord(witness.parts.core.net, bytes)
    if (type === recordTypes.reportCommit) commits.push(reportCommitCodec.decode(payload).slot)
  }
  expect(commits.filter((one) => one === slot)).toHaveLength(2)
})

test('only permitted validators may follow a miner', { timeout: 60_000 }, async () => {
  const market = createSlotMarket()
  const miner = await market.node('miner')
  const stranger = await market.node('validator')
  market.shared.validators.length = 0
  const { challenge } = await import('../../../src/protocols/challenge.ts')
  const follow = async () => {
    for await (const item of stranger.parts.rpc.askStream(challenge, miner.peerId, {})) return item
    return undefined
  }
  await expect(follow()).rejects.toMatchObject({ code: 'REFUSED_NOT_PERMITTED' })
  market.shared.validators.push({ peerId: stranger.peerId, stake: 1n })
  expect(await follow()).toEqual({ kind: 'ready' })
})
