import type { Bucket } from './store.ts'

/**
 * The next sequence number of a kind of record: max(previous + 1, unix ms), written before it is used, so that a
 * restart or a clock set back never repeats one (DESIGN.md, "Bytes").
 */
export async function nextSequence(bucket: Bucket, name: string, nowMs: number): Promise<number> {
  const key = `seq/${name}`
  const stored = await bucket.get(key)
  const previous = stored === undefined ? 0 : Number(Buffer.from(stored).readBigUInt64BE())
  const next = Math.max(previous + 1, nowMs)
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(next))
  await bucket.put(key, bytes)
  return next
}
