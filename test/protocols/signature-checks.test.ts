import { sign } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../src/log.ts'
import {
  createSignatureChecks,
  type SignatureChecks,
} from '../../src/protocols/signature-checks.ts'
import { testKey } from '../support/market.ts'

const key = testKey(1)

function checks(module?: URL): SignatureChecks {
  const made = createSignatureChecks(silent, module === undefined ? {} : { module })
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

/** The i-th message with its signature, every third of which is wrong. */
function signed(i: number) {
  const message = Buffer.from(`message ${i}`)
  const signature = Uint8Array.from(sign(null, message, key.privateKey))
  if (i % 3 === 0) signature[i % 64]! ^= 1
  return { message, signature }
}
const isRight = (i: number): boolean => i % 3 !== 0
const askAll = ({ isRight }: SignatureChecks, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, i) => {
      const { message, signature } = signed(i)
      return isRight(key.publicKey, message, signature)
    }),
  )

test('each signature gets its own answer, however many come at once', async () => {
  const right = await askAll(checks(), 600)
  expect(right).toEqual(Array.from({ length: 600 }, (_, i) => isRight(i)))
})

test('answers come in the order of the questions', async () => {
  const { isRight } = checks()
  const order: number[] = []
  const asked = Array.from({ length: 400 }, async (_, i) => {
    const { message, signature } = signed(i)
    await isRight(key.publicKey, message, signature)
    order.push(i)
  })
  await Promise.all(asked)
  expect(order).toEqual(Array.from({ length: 400 }, (_, i) => i))
})

test('bytes that are no point of the curve sign nothing', async () => {
  const { message, signature } = signed(1)
  expect(await checks().isRight(new Uint8Array(32).fill(255), message, signature)).toBe(false)
})

test('what the thread fails to check is checked all the same', async () => {
  const failing = pathToFileURL(join(import.meta.dirname, '../support/crashing-worker.ts'))
  expect(await askAll(checks(failing), 5)).toEqual([0, 1, 2, 3, 4].map(isRight))
})

test('what is asked last is answered though it closes meanwhile', async () => {
  const closing = createSignatureChecks(silent)
  const asked = askAll(closing, 5)
  await closing[Symbol.asyncDispose]()
  expect(await asked).toEqual([0, 1, 2, 3, 4].map(isRight))
})
