import { expect, test } from 'vitest'
import type { Offer } from '../../src/api/offers.ts'
import { costAt, deviceNames } from '../../src/console/rent/offer-facts.ts'
import { withTemplate } from '../../src/console/rent/template-wish.ts'
import { bodyOf, emptyWish, faultsOf, lineOf, wordsOf } from '../../src/console/rent/wish.ts'

test.each([
  ['', []],
  ['  a  b ', ['a', 'b']],
  [`sh -c 'echo "$A" b' ""`, ['sh', '-c', 'echo "$A" b', '']],
  ['a\\ b "c\\"d"', ['a b', 'c"d']],
  [`it's`, undefined],
])('%j has its words', (line, words) => expect(wordsOf(line)).toEqual(words))

test('words that were put into a line are the same again', () => {
  const words = ['sh', '-c', `echo 'it'"s" $HOME; exit 1`, '', '--model=a/b']
  expect(wordsOf(lineOf(words))).toEqual(words)
})

test('an empty wish has no fault, and each fault stands at its place', () => {
  expect(faultsOf(emptyWish)).toEqual({})
  const faults = faultsOf({
    ...emptyWish,
    ...{ image: 'a b', command: '"', hours: 'x', maxCost: '-1', ports: '99999', username: 'me' },
    env: [
      { name: 'A', value: '' },
      { name: '1A', value: '' },
    ],
    volumes: [{ name: 'Data', path: 'data', size: '0', readOnly: false }],
  })
  expect(Object.keys(faults).toSorted()).toEqual([
    'command',
    'env1',
    'hours',
    'image',
    'maxCost',
    'password',
    'path0',
    'ports',
    'size0',
    'volume0',
  ])
})

test('the body says what was filled in and nothing else', () => {
  expect(bodyOf(emptyWish, 'ab', 'n')).toEqual({
    query: 'ab',
    name: 'n',
    durationMs: 3_600_000,
    volumes: [],
  })
  const wish = {
    ...emptyWish,
    ...{ command: 'sleep 9', hours: '0.5', waits: true, waitHours: '2', devices: 2, name: ' run ' },
    ...{ username: 'me', password: 'secret', ports: '80 81', maxCost: '2' },
    env: [{ name: 'A', value: 'b' }],
    volumes: [
      { name: 'data', path: '/data', size: '2', readOnly: false },
      { name: 'cache', path: '/cache', size: '', readOnly: true, isCache: true },
    ],
  }
  expect(bodyOf(wish, 'ab', 'n', false)).toEqual({
    ...{
      query: 'ab',
      name: 'n',
      command: ['sleep', '9'],
      durationMs: 1_800_000,
      waitMs: 7_200_000,
    },
    ...{ devices: 2, labels: { name: 'run' }, ports: [80, 81], maxCost: '2', env: { A: 'b' } },
    registryAuth: { username: 'me', password: 'secret' },
    volumes: [{ name: 'data', path: '/data', sizeMiB: 2048 }],
  })
})

test('a template fills the form; its own variables are left to be filled in', () => {
  const wish = withTemplate(
    { ...emptyWish, hours: '3' },
    {
      ...{ name: 'x', image: 'a:1', command: ['run', 'a b'], ports: [80] },
      env: { TOKEN: '$TOKEN', PRICE: '$$5' },
      volumes: [{ name: 'hf', path: '/hf', cache: true }],
    },
  )
  expect(wish).toMatchObject({ hours: '3', image: 'a:1', command: `run 'a b'`, ports: '80' })
  expect(wish.env).toEqual([
    { name: 'TOKEN', value: '' },
    { name: 'PRICE', value: '$5' },
  ])
  expect(wish.volumes).toEqual([
    { name: 'hf', path: '/hf', size: '', readOnly: false, isCache: true },
  ])
})

test('the cost of a share of an offer, and without proofs', () => {
  const device = { id: '0', vendor: 'nvidia', name: 'H100', vramMiB: 1 }
  const offer = { dph: '8', asset: 'DEV', devices: [device, device] } as unknown as Offer
  expect(deviceNames(offer)).toBe('2 × H100')
  expect(costAt(offer, { ...emptyWish, hours: '0.5' })).toEqual({
    asset: 'DEV',
    perHour: '8',
    deposit: '4',
  })
  expect(costAt(offer, { ...emptyWish, devices: 1 })).toMatchObject({ perHour: '4', deposit: '4' })
  expect(costAt(offer, { ...emptyWish, exclusive: true })).toBeUndefined()
})
