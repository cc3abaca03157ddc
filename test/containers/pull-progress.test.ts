import { expect, test } from 'vitest'
import { createPullProgress } from '../../src/containers/pull-progress.ts'

const event = (layer: string | undefined, status: string, doneBytes = 0, totalBytes = 0) => ({
  image: 'x:1',
  ...(layer === undefined ? {} : { layer }),
  step: layer === undefined ? status : `${layer}: ${status}`,
  doneBytes,
  totalBytes,
})

test('layers, percent and rate of the whole, at most once a second', () => {
  const pull = createPullProgress('x:1')
  expect(pull.add(event('1', 'pulling from library/x'), 0)).toBe('1: pulling from library/x x:1')
  expect(pull.add(event('a', 'pulling fs layer'), 10)).toBeUndefined()
  pull.add(event('b', 'pulling fs layer'), 20)
  pull.add(event('c', 'already exists'), 30)
  expect(pull.add(event('a', 'downloading', 0, 4e6), 1000)).toBe('pulling x:1: 1 of 3 layers, 0 %')
  expect(pull.add(event('b', 'downloading', 1e6, 4e6), 1500)).toBeUndefined()
  expect(pull.add(event('a', 'downloading', 3e6, 4e6), 2000)).toBe(
    'pulling x:1: 1 of 3 layers, 50 %, 4.0 MB/s',
  )
  pull.add(event('a', 'verifying checksum'), 2500)
  pull.add(event('a', 'download complete'), 2600)
  // What comes of unpacking is no download, and takes nothing back.
  expect(pull.add(event('a', 'extracting', 1, 9e9), 3000)).toBe(
    'pulling x:1: 2 of 3 layers, 62 %, 2.5 MB/s',
  )
  expect(pull.add(event(undefined, 'trying again'), 4000)).toBe('trying again x:1')
})
