import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bytesOf } from '../../../src/node/copy/local-tree.ts'
import { PIECE_BYTES, sparePieces } from '../../../src/node/copy/spare-pieces.ts'
import { tempFolder } from '../../support/lease-market.ts'

test('a file is read into the memory of pieces that are done with', async () => {
  const source = join(await tempFolder(), 'file')
  const bytes = randomBytes(8 * PIECE_BYTES + 3)
  await writeFile(source, bytes)
  const spare = sparePieces()
  const used = new Set<ArrayBufferLike>()
  const came: Buffer[] = []
  for await (const piece of bytesOf({ source, path: '' }, 5, bytes.length, spare)) {
    came.push(Buffer.from(piece))
    used.add(piece.buffer)
    spare.put(piece)
  }
  expect(Buffer.concat(came).equals(bytes.subarray(5))).toBe(true)
  expect(used.size).toBe(2) // one is read while the other is used
})

test('a piece that is not given back stays as it is', async () => {
  const source = join(await tempFolder(), 'file')
  const bytes = randomBytes(4 * PIECE_BYTES)
  await writeFile(source, bytes)
  const came = await Array.fromAsync(bytesOf({ source, path: '' }, 0, bytes.length, sparePieces()))
  expect(Buffer.concat(came).equals(bytes)).toBe(true)
})
