import { expect, test } from 'vitest'
import { egressRules, entriesFor } from '../../src/containers/egress-rules.ts'

const rows = egressRules().split('\n')

test.each(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'])(
  '%s is closed before anything is let through',
  (range) => {
    const at = rows.findIndex((row) => row.includes(`-d ${range} -j REJECT`))
    const open = rows.indexOf('-A CN-EGRESS -j RETURN')
    expect(at).toBeGreaterThan(0)
    expect(at).toBeLessThan(open)
  },
)

test('the host takes nothing but answers', () => {
  expect(rows.filter((row) => row.startsWith('-A CN-HOST'))).toEqual([
    '-A CN-HOST -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    '-A CN-HOST -j DROP',
  ])
})

test('only our own chains are replaced, and only our bridge enters them', () => {
  expect(rows.filter((row) => row.startsWith(':'))).toEqual([
    ':CN-EGRESS - [0:0]',
    ':CN-HOST - [0:0]',
  ])
  for (const [, rule] of entriesFor('cn-leases0'))
    expect(rule.slice(0, 2)).toEqual(['-i', 'cn-leases0'])
})
