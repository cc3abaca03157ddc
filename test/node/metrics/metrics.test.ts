import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { leaseStates } from '../../../src/lease-states.ts'
import { type Metric, metrics } from '../../../src/metrics.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { createEvents } from '../../../src/node/events.ts'
import { scrape } from '../../../src/node/metrics/collect.ts'
import { countEvents, countedEvents } from '../../../src/node/metrics/count-events.ts'
import { createMeters } from '../../../src/node/metrics/meters.ts'
import { lint, parseExposition, shownIn, unboundedLabels } from '../../support/exposition.ts'
import { localNode } from '../../support/local-node.ts'

test('a table without a node: every row appears, and its words are those of the program', async () => {
  const families = parseExposition(await createMeters().text())
  expect(Object.keys(metrics).filter((name) => !families.has(name))).toEqual([])
  expect(lint(families)).toEqual([])
  for (const [name, { type, help }] of Object.entries<Metric>(metrics)) {
    expect(families.get(name)).toMatchObject({ type, help })
  }
  expect(metrics.compute_node_leases.labels.state.values).toEqual(leaseStates)
})

test('every label is bounded, whatever is told', async () => {
  for (const { labels } of Object.values<Metric>(metrics)) {
    for (const { values, atMost } of Object.values(labels)) {
      expect(values?.length ?? atMost).toBeLessThanOrEqual(64)
      expect(values?.length ?? atMost).toBeGreaterThan(0)
    }
  }
  const meters = createMeters()
  for (let i = 0; i < 1000; i++) {
    meters.count('compute_node_refusals_total', { protocol: 'lease', code: `REFUSED_${i}` })
    meters.count('compute_node_gossip_messages_total', { topic: 'offers', verdict: `${i}` })
  }
  const families = parseExposition(await meters.text())
  expect(families.get('compute_node_refusals_total')?.samples.length).toBe(65)
  expect(shownIn(families, 'compute_node_refusals_total')).toBe(1000)
  expect(shownIn(families, 'compute_node_gossip_messages_total', { verdict: 'other' })).toBe(1000)
})

function counting(hostsOnly = true) {
  const meters = createMeters()
  const events = createEvents(Date.now)
  countEvents({ events, meters, peerId: 'me', hostsOnly }, new AbortController().signal)
  const shown = async (name: string, labels = {}) =>
    shownIn(parseExposition(await meters.text()), name, labels)
  return { events, shown }
}

test('a gauge that nobody told is absent, and is so again when it is forgotten', async () => {
  const meters = createMeters()
  const shown = async () => parseExposition(await meters.text())
  const told = [...(await shown()).values()].filter(
    ({ name, type, samples }) => type === 'gauge' && name in metrics && samples.length > 0,
  )
  expect(told).toEqual([])
  meters.set('compute_node_chain_block', {}, 7)
  expect(shownIn(await shown(), 'compute_node_chain_block')).toBe(7)
  meters.clear('compute_node_chain_block')
  expect(shownIn(await shown(), 'compute_node_chain_block')).toBeUndefined()
})

test('receipts and settlements become amounts; what a run before claimed is not counted again', async () => {
  const { events, shown } = counting(false)
  events.emit('lease-requested', { id: 'a', renter: 'r' })
  events.emit('receipt-issued', { id: 'a', seq: 1, cumulative: '1000000', asset: 'DEV' })
  events.emit('receipt-issued', { id: 'a', seq: 2, cumulative: '1500000', asset: 'DEV' })
  events.emit('receipt-issued', { id: 'old', seq: 9, cumulative: '7000000', asset: 'DEV' })
  events.emit('receipt-issued', { id: 'old', seq: 10, cumulative: '7250000', asset: 'DEV' })
  expect(await shown('compute_node_billed_total', { asset: 'DEV' })).toBe(1.75)
  events.emit('lease-ended', { id: 'a', reason: 'as agreed', fault: 'nobody' })
  events.emit('lease-settled', { id: 'a', amount: '1500000', asset: 'DEV' })
  events.emit('lease-settled', { id: 'rented', amount: '250000', asset: 'DEV' })
  expect(await shown('compute_node_settled_total')).toBe(1.5)
  expect(await shown('compute_node_paid_total')).toBe(0.25)
  expect(await shown('compute_node_leases_ended_total')).toBe(1)
})

test('a slot is covered by the share of its devices that got a verdict', async () => {
  const { events, shown } = counting()
  events.emit('slot-started', { slot: 8, gpu: 'cpu-0' }) // a miner's own
  expect(await shown('compute_node_slot_gpus')).toBeUndefined()
  events.emit('slot-started', { slot: 8, gpus: 4 })
  for (const verdict of ['VALID', 'VALID', 'SILENT']) {
    events.emit('slot-verdict', { slot: 8, verdict, verifyMs: 33 })
  }
  events.emit('slot-verdict', { slot: 4, verdict: 'VALID', verifyMs: 0 })
  events.emit('slot-started', { slot: 16, gpus: 4 })
  expect(await shown('compute_node_slot_coverage_ratio')).toBe(0.75)
  expect(await shown('compute_node_verdicts_total', { verdict: 'VALID' })).toBe(3)
  expect(await shown('compute_node_verify_seconds_count')).toBe(3)
})

test('a proof of fraud tells whether it is against this node', async () => {
  const { events, shown } = counting()
  events.emit('fraud-proven', { kind: 'two-tales', slot: 1, accused: 'me', miner: 'me', gpu: 'x' })
  events.emit('fraud-proven', { kind: 'two-tales', slot: 1, accused: 'v', miner: 'me', gpu: 'x' })
  expect(await shown('compute_node_frauds_proven_total', { against: 'self' })).toBe(1)
  expect(await shown('compute_node_frauds_proven_total', { against: 'other' })).toBe(1)
})

test('every event that is counted is emitted somewhere', () => {
  const table = readFileSync(join(import.meta.dirname, '../../../docs/logs.md'), 'utf8')
  for (const event of countedEvents) expect(table).toContain(`| \`${event}\` |`)
})

test('two nodes show each other, and what they said', { timeout: 60_000 }, async () => {
  await using first = await localNode({ roles: ['relay'], apiPort: 0 })
  await using second = await localNode({ roles: ['renter'], bootstrap: first.addrs })
  await vi.waitFor(
    async () => {
      const families = parseExposition(await scrape(second.parts))
      expect(
        shownIn(families, 'compute_node_rpc_duration_seconds_count', { outcome: 'ok' }),
      ).toBeGreaterThan(0)
    },
    { timeout: 30_000, interval: 200 },
  )
  using client = createControlClient(first.control.socketPath)
  const families = parseExposition(await client.text('/metrics'))
  expect(lint(families)).toEqual([])
  expect(unboundedLabels(families)).toEqual([])
  expect(shownIn(families, 'compute_node_peers')).toBe(1)
  expect(shownIn(families, 'compute_node_connections', { direction: 'inbound' })).toBe(1)
  expect(shownIn(families, 'compute_node_info', { role: 'relay' })).toBe(1)
  expect(shownIn(families, 'compute_node_ready')).toBe(1)
  expect(shownIn(families, 'compute_node_peers_greeted_total')).toBe(1)
  expect(shownIn(families, 'compute_node_disk_free_bytes')).toBeGreaterThan(0)
  expect(shownIn(families, 'libp2p_data_transfer_bytes_total')).toBeGreaterThan(0)
  // A second node in the process takes nothing from the first.
  expect(
    shownIn(parseExposition(await scrape(second.parts)), 'compute_node_info', { role: 'renter' }),
  ).toBe(1)
  const open = await fetch(`${first.control.apiUrl}/readyz`)
  expect([open.status, await open.json()]).toEqual([200, { ready: true, reasons: [] }])
  expect((await fetch(`${first.control.apiUrl}/metrics`)).status).toBe(401)
})
