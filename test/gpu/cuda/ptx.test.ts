import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compilePtx, nvccRelease, PTX_FILE, sourceHash } from '../../../scripts/build-ptx.ts'
import { deviceOrSkip } from '../../support/skips.ts'

const committed = readFileSync(PTX_FILE, 'utf8')
const line = (name: string): string | undefined =>
  new RegExp(`^// ${name}: (.*)$`, 'm').exec(committed)?.[1]

test('the committed PTX was made from the committed source', () => {
  expect(line('source')).toBe(sourceHash())
})

test('it asks for no newer driver and no newer device than it needs', () => {
  expect(committed).toMatch(/^\.version 7\.0\n\.target sm_80$/m)
})

// Another nvcc may well write other text; the hash above still holds the two together.
const release = nvccRelease()
const same = release !== null && release === line('nvcc')
test.skipIf(!deviceOrSkip(same, `nvcc ${line('nvcc')}, which made kernels.ptx,`))(
  'nvcc makes the same text again',
  { timeout: 300_000 },
  () => {
    expect(compilePtx() === committed).toBe(true)
  },
)
