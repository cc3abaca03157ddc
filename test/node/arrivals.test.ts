import { expect, test } from 'vitest'
import { inOrderOfArrival } from '../../src/node/arrivals.ts'

const record = (name: string): Uint8Array => new Uint8Array(Buffer.from(name))
const names = (told: readonly (readonly [string, Uint8Array])[]): string =>
  told.map(([, bytes]) => Buffer.from(bytes).toString()).join(' ')

test('a book that did not change is put in order once, and every position goes on where it ended', async () => {
  const kept = ['b', 'a', 'c'].map(record)
  let [revision, looks] = [1, 0]
  const source = inOrderOfArrival(
    () => {
      looks += 1
      return kept
    },
    () => revision,
  )
  const all = await Array.fromAsync(source(undefined))
  expect(names(all)).toBe('b a c')
  for (const [i, [position]] of all.entries()) {
    expect(names(await Array.fromAsync(source(position)))).toBe(['a c', 'c', ''][i])
  }
  expect(looks).toBe(1)
  kept.shift()
  kept.unshift(record('d'))
  revision += 1
  expect(names(await Array.fromAsync(source(all.at(-1)![0])))).toBe('d')
  expect(names(await Array.fromAsync(source(undefined)))).toBe('a c d')
  expect(looks).toBe(2)
})

test('a position of nobody’s making is the beginning, or the end', async () => {
  const source = inOrderOfArrival(() => [record('a')])
  const [[position]] = (await Array.fromAsync(source(undefined))) as [[string, Uint8Array]]
  const [run] = position.split('/')
  expect(names(await Array.fromAsync(source('another/1')))).toBe('a')
  for (const number of ['x', '9', '']) {
    const told = await Array.fromAsync(source(`${run}/${number}`))
    expect(told.length).toBe(number === '' ? 1 : 0)
  }
})
