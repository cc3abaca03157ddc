import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Config } from '../config.ts'

/** When this node's certificates for its engines expire, by the engine's name, Unix ms; one that cannot be read is absent. */
export async function certificateEnds(
  engines: Config['engines'],
): Promise<ReadonlyMap<string, number>> {
  const ends = await Promise.all(
    engines.flatMap(({ name, tls }) =>
      tls === undefined ? [] : [endOf(tls.cert).then((atMs) => [name, atMs] as const)],
    ),
  )
  return new Map(ends.flatMap(([name, atMs]) => (atMs === undefined ? [] : [[name, atMs]])))
}

/** Its engine is told of as away when the file is no good: here that says nothing new. */
async function endOf(path: string): Promise<number | undefined> {
  try {
    return Date.parse(new X509Certificate(await readFile(path)).validTo)
  } catch {
    return undefined
  }
}
