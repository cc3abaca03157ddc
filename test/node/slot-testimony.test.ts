import { expect, test } from 'vitest'
import { type Said, slotTestimony } from '../../src/node/slot-testimony.ts'
import {
  type Report,
  reportHash,
  sealReport,
  sealReportCommit,
  sealVerdicts,
} from '../../src/protocols/attestations.ts'
import { recordTypes } from '../../src/protocols/signed.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const SLOT = 24
const [own, miner] = [testKey(1), testKey(2)]
const deviceOf = (gpu: string) => ({ miner: miner.peerId, hotkey: miner.publicKey, gpu })
const place = (chunk: number) => ({ slot: SLOT, chunk })
const about = (chunk: number) => ({ slot: SLOT, chunk, validator: own.peerId, late: false })

const reportOf = (chunk: number): Report => ({
  ...place(chunk),
  salt: new Uint8Array(32).fill(chunk),
  rows: [{ ...deviceOf(`gpu-${chunk}`), mode: 'idle', n: 512, bytes: 1024, passes: 2, steps: 3 }],
})
const said = (chunk: number): Said => ({
  ...about(chunk),
  type: recordTypes.report,
  record: sealReport(net, own, reportOf(chunk)),
})
const committed = (chunk: number, to = reportOf(chunk)): Said => ({
  ...about(chunk),
  type: recordTypes.reportCommit,
  record: sealReportCommit(net, own, {
    ...place(chunk),
    hash: reportHash(net, own.publicKey, to),
  }),
})
const judged = (chunk: number): Said => ({
  ...about(chunk),
  type: recordTypes.verdict,
  record: sealVerdicts(net, own, {
    ...place(chunk),
    rows: [{ ...deviceOf(`gpu-${chunk}`), verdict: 'SILENT' }],
  }),
})
const told = (all: readonly Said[], liars: readonly string[] = []) =>
  slotTestimony(SLOT, all, net, new Set(liars)).testimony

const gpusOf = (rows: readonly { readonly gpu: string }[] | undefined) =>
  rows?.map(({ gpu }) => gpu)

test('chunks are one report and one batch of verdicts, in their order', () => {
  const [one, ...others] = told([
    ...[said(1), committed(0), judged(1), said(0), committed(1), judged(0)],
  ])
  expect(others).toEqual([])
  expect(gpusOf(one!.report?.rows)).toEqual(['gpu-0', 'gpu-1'])
  expect(gpusOf(one!.verdicts?.rows)).toEqual(['gpu-0', 'gpu-1'])
  expect(one!.verdictIds).toHaveLength(2)
  expect(one).toMatchObject({ validator: own.peerId, equivocated: false })
  expect(one).not.toHaveProperty('unbound')
})

test('a report counts as far as an earlier commit binds it', () => {
  const [bare] = told([said(0)])
  expect(bare).toMatchObject({ report: undefined, unbound: 'UNCOMMITTED' })
  const [other] = told([said(0), committed(0, reportOf(1))])
  expect(other).toMatchObject({ report: undefined, unbound: 'UNCOMMITTED' })
  const [late] = told([said(0), { ...committed(0), late: true }])
  expect(late).toMatchObject({ report: undefined, unbound: 'LATE_COMMIT' })
  const [half] = told([said(0), committed(0), said(1)])
  expect(gpusOf(half!.report?.rows)).toEqual(['gpu-0'])
  expect(half!.unbound).toBe('UNCOMMITTED')
})

test('who contradicted itself in the slot is told', () => {
  const [liar] = told([judged(0)], [`${SLOT}/${own.peerId}`])
  expect(liar!.equivocated).toBe(true)
  expect(told([judged(0)], [`25/${own.peerId}`])[0]!.equivocated).toBe(false)
})
