// Does the table still give the bytes that the real runtime metadata gave? Needs no real metadata.
import { readFileSync } from 'node:fs'
import { cryptoWaitReady } from '@polkadot/util-crypto'
import { beforeAll, expect, test } from 'vitest'
import { buildMetadata } from '../../../src/chain/dev/metadata/build.ts'
import { subset } from '../../../src/chain/dev/metadata/subset.ts'
import { load, vectors } from './metadata-samples.ts'

const golden = (spec: number): unknown =>
  JSON.parse(
    readFileSync(new URL(`../../vectors/chain-golden-${spec}.json`, import.meta.url), 'utf8'),
  )

beforeAll(async () => {
  await cryptoWaitReady()
})

test.each([218, 424] as const)('spec %d gives the recorded bytes', (spec) => {
  const ours = load(buildMetadata(subset, spec))
  expect(vectors(ours, ours, spec)).toEqual(golden(spec))
})
