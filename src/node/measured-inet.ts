import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Offer } from '../protocols/offers.ts'
import { hoursMs } from '../units.ts'
import type { NetworkFigures } from './bench/measure-network.ts'
import { createDataFolder, dataFolder } from './data-folder.ts'

type Inet = Pick<Offer['host'], 'inetUpMbps' | 'inetDownMbps'>

/** Lines change: after a month offers say nothing of one until it is measured again. */
const KEPT_MS = hoursMs(24 * 30)

const figures = z.object({
  downMbps: z.number().min(0).max(10_000_000),
  upMbps: z.number().min(0).max(10_000_000),
  atMs: z.int().min(0),
})

/** Keeps what `gpu bench` measured of this machine's line, for its offers; nothing when it measured none. */
export async function keepInet(
  dataDir: string,
  { downMbps, upMbps }: Pick<NetworkFigures, 'downMbps' | 'upMbps'>,
  atMs: number,
): Promise<void> {
  if (downMbps === null || upMbps === null) return
  const { inetFile } = await createDataFolder(dataDir)
  const text = JSON.stringify({ downMbps, upMbps, atMs })
  await writeFile(inetFile, text, { mode: 0o600 })
}

/** The line as it was measured within the last month, in whole Mbit/s; nothing where it was not. */
export async function measuredInet(dataDir: string, nowMs: number): Promise<Inet> {
  try {
    const found = figures.parse(JSON.parse(await readFile(dataFolder(dataDir).inetFile, 'utf8')))
    if (found.atMs > nowMs || found.atMs < nowMs - KEPT_MS) return {}
    return { inetDownMbps: Math.round(found.downMbps), inetUpMbps: Math.round(found.upMbps) }
  } catch {
    return {} // never measured, or a file that somebody cut short: the next measurement writes it anew
  }
}
