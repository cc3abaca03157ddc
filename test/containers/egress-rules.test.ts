import { describe, expect, test } from 'vitest'
import { fenceFlaw, fenceRules, ownRules, parseDump } from '../../src/containers/egress-rules.ts'

const BRIDGE = 'cn-leases0'
/** A machine with Docker on which nothing of ours is set. */
const bare = `-P INPUT ACCEPT
-P FORWARD DROP
-P OUTPUT ACCEPT
-N DOCKER
-N DOCKER-USER
-A FORWARD -j DOCKER-USER
-A FORWARD -i cn-leases0 ! -o cn-leases0 -j ACCEPT
-A DOCKER-USER -j RETURN
`
/** The same with the fence as it should be; the chains' contents do not matter here. */
const fenced = `${bare.replace('-A DOCKER-USER', '-A DOCKER-USER -i cn-leases0 -j CN-EGRESS\n-A DOCKER-USER')}-N CN-EGRESS
-N CN-HOST
-A INPUT -i cn-leases0 -j CN-HOST
-A CN-EGRESS -j RETURN
-A CN-HOST -j DROP
`
const own = ownRules(BRIDGE, parseDump(fenced))
const flawOf = (dump: string): string | undefined => fenceFlaw(BRIDGE, parseDump(dump), own)
const rows = fenceRules(BRIDGE, parseDump(bare)).split('\n')

test.each(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'])(
  '%s is closed before anything is let through',
  (range) => {
    const at = rows.findIndex((row) => row.includes(`-d ${range} -j REJECT`))
    const open = rows.indexOf('-A CN-EGRESS -j RETURN')
    expect(at).toBeGreaterThan(0)
    expect(at).toBeLessThan(open)
  },
)

test('neighbours are dropped first of all', () => {
  expect(rows.find((row) => row.startsWith('-A CN-EGRESS'))).toBe(
    '-A CN-EGRESS -o cn-leases0 -j DROP',
  )
})

test('the host takes nothing but answers', () => {
  expect(rows.filter((row) => row.startsWith('-A CN-HOST'))).toEqual([
    '-A CN-HOST -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    '-A CN-HOST -j DROP',
  ])
})

test('only our own chains are replaced, and only our bridge enters them, first', () => {
  expect(rows.filter((row) => row.startsWith(':'))).toEqual([
    ':CN-EGRESS - [0:0]',
    ':CN-HOST - [0:0]',
  ])
  expect(rows.filter((row) => /^-[ID]/.test(row))).toEqual([
    '-I INPUT 1 -i cn-leases0 -j CN-HOST',
    '-I DOCKER-USER 1 -i cn-leases0 -j CN-EGRESS',
  ])
})

test('a fence that stands has no flaw', () => {
  expect(flawOf(fenced)).toBeUndefined()
})

test.each([
  ['nothing of it', bare, /not those/],
  ['its rules flushed', fenced.replace('-A CN-EGRESS -j RETURN\n', ''), /not those/],
  ['a rule more', `${fenced}-A CN-HOST -j ACCEPT\n`, /not those/],
  ['the way in flushed', fenced.replace(/-A INPUT.*\n/, ''), /INPUT/],
  [
    'a rule in front of it',
    fenced.replace('-A INPUT', '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT'),
    /INPUT/,
  ],
  ["Docker's way in flushed", fenced.replace('-A FORWARD -j DOCKER-USER\n', ''), /FORWARD/],
])('%s is a flaw', (_, dump, flaw) => {
  expect(flawOf(dump)).toMatch(flaw)
})

test('what is not first is moved, not doubled', () => {
  const second = fenced.replace('-A INPUT', '-A INPUT -j ACCEPT\n-A INPUT')
  const moved = fenceRules(BRIDGE, parseDump(second)).split('\n')
  expect(moved.filter((row) => /^-[ID]/.test(row))).toEqual([
    '-D INPUT -i cn-leases0 -j CN-HOST',
    '-I INPUT 1 -i cn-leases0 -j CN-HOST',
  ])
})

test('an engine without DOCKER-USER is fenced at FORWARD itself', () => {
  const none = bare.replace(/.*DOCKER-USER.*\n/g, '')
  const set = fenceRules(BRIDGE, parseDump(none)).split('\n')
  expect(set).toContain('-I FORWARD 1 -i cn-leases0 -j CN-EGRESS')
  expect(set.join()).not.toContain('DOCKER-USER')
})

describe('engines that were named, each with a bridge of its own', () => {
  const MORE = 'cn-e0a1b2c3d'
  /** Both fences, one entered after the other. */
  const both = `${fenced
    .replace('-A INPUT', `-A INPUT -i ${MORE} -j CN-HOST-0a1b2c3d\n-A INPUT`)
    .replace(
      '-A DOCKER-USER',
      `-A DOCKER-USER -i ${MORE} -j CN-EGRESS-0a1b2c3d\n-A DOCKER-USER`,
    )}-N CN-EGRESS-0a1b2c3d
-N CN-HOST-0a1b2c3d
-A CN-EGRESS-0a1b2c3d -j RETURN
-A CN-HOST-0a1b2c3d -j DROP
`

  test('each has chains of its own, and touches no other', () => {
    const set = fenceRules(MORE, parseDump(fenced)).split('\n')
    expect(set.filter((row) => /^[:]|^-[ID]/.test(row))).toEqual([
      ':CN-EGRESS-0a1b2c3d - [0:0]',
      ':CN-HOST-0a1b2c3d - [0:0]',
      `-I INPUT 1 -i ${MORE} -j CN-HOST-0a1b2c3d`,
      `-I DOCKER-USER 1 -i ${MORE} -j CN-EGRESS-0a1b2c3d`,
    ])
    expect(set.some((row) => /CN-(EGRESS|HOST) /.test(row))).toBe(false)
  })

  test('both stand at once, in either order', () => {
    const dump = parseDump(both)
    expect(fenceFlaw(MORE, dump, ownRules(MORE, dump))).toBeUndefined()
    expect(flawOf(both)).toBeUndefined()
  })

  test('what is not ours comes before none of them', () => {
    const dump = parseDump(both.replace('-A INPUT', '-A INPUT -j ACCEPT\n-A INPUT'))
    for (const bridge of [BRIDGE, MORE]) {
      expect(fenceFlaw(bridge, dump, ownRules(bridge, dump))).toMatch(/INPUT/)
    }
  })
})
