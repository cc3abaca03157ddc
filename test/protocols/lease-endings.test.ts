import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  type EndingCode,
  endedFields,
  endingOf,
  endingOwners,
  faultOf,
  leaseEndings,
} from '../../src/protocols/lease-endings.ts'
import { openReceipt, sealReceipt } from '../../src/protocols/receipts.ts'
import { agreed, miner, net } from '../support/lease.ts'

const codes = Object.keys(leaseEndings) as EndingCode[]

test.each(codes)('%s has an owner and a text, and travels in a final receipt', (code) => {
  const { fault, text, outcome } = leaseEndings[code]
  expect(endingOwners).toContain(fault)
  const final = endingOf(code, 'because\nof \u001b[31mthis')
  expect(final).toEqual({ outcome, code, reason: `${text}: because of  [31mthis` })
  const { leaseId } = agreed()
  const receipt = { leaseId, seq: 1, atMs: 1, upMs: 0, cumulative: '0', prev: leaseId, final }
  const { bytes } = sealReceipt(net, miner, receipt)
  expect(openReceipt(net, bytes, miner.publicKey).payload.final).toEqual(final)
  expect(endedFields('ab', final)).toMatchObject({ id: 'ab', code, fault })
})

test('what is long is cut, what has no code or an unknown one is nobody’s', () => {
  expect(endingOf('unknown', 'x'.repeat(900)).reason).toHaveLength(500)
  expect(faultOf(undefined)).toBe('nobody')
  expect(faultOf({})).toBe('nobody')
  expect(faultOf({ code: 'of-a-later-version' })).toBe('nobody')
  expect(faultOf({ code: 'constructor' })).toBe('nobody')
})

test('only what both agreed on, or the renter asked for, ended well', () => {
  const well = codes.filter((code) => leaseEndings[code].outcome === 'ended')
  expect(well).toEqual(['expired', 'command-ended', 'renter-stopped', 'command-failed'])
  const byMiner = codes.filter((code) => leaseEndings[code].fault === 'miner')
  expect(byMiner.every((code) => leaseEndings[code].outcome === 'failed')).toBe(true)
})

test('docs/leases.md tells the table as it is', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/leases.md'), 'utf8')
  for (const code of codes) {
    const { outcome, fault, text } = leaseEndings[code]
    expect(page).toContain(`| \`${code}\` | ${outcome} | ${fault} | ${text} |\n`)
  }
})
