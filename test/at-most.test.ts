import { expect, test } from 'vitest'
import { atMost } from '../src/at-most.ts'

test('so many works are under way at a time, in order; one that fails gives its place on', async () => {
  const inTurn = atMost(2)
  const begun: number[] = []
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<number>())
  const works = gates.map(({ promise }, i) =>
    inTurn(() => {
      begun.push(i)
      return promise
    }),
  )
  await Promise.resolve()
  expect(begun).toEqual([0, 1])
  gates[1]!.reject(new Error('no'))
  await expect(works[1]).rejects.toThrow('no')
  for (const [i, { resolve }] of gates.entries()) resolve(i)
  expect(await Promise.all([works[0], ...works.slice(2)])).toEqual([0, 2, 3, 4])
  expect(begun).toEqual([0, 1, 2, 3, 4])
})
