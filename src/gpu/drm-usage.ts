/**
 * Which chip a process really uses: Linux tells what each open GPU file of a process holds, with the chip's PCI address
 * (kernel documentation, `gpu/drm-usage-stats`). WebGPU does not tell addresses, so it is asked here.
 */
import { readdir, readFile } from 'node:fs/promises'
import { codeOf, NodeError } from '../errors.ts'
import { KiB, MiB } from '../units.ts'
import type { WebgpuDevice } from './webgpu-device.ts'

/** Bytes that a process holds on each chip, by PCI address. */
export type DrmUsage = ReadonlyMap<string, number>

/** More than a driver allocates for itself between two looks, and less than any GPU has left. */
const PROBE_BYTES = 64 * MiB
const FDINFO = '/proc/self/fdinfo'

/**
 * Adds up what the open GPU files hold. Files of one client (`drm-client-id`) tell of the same memory. Of the regions of
 * a chip, e.g. `drm-total-vram0: 1024 KiB`, all count; older drivers write `drm-memory-vram` instead.
 */
export function parseDrmUsage(fdinfos: readonly string[]): DrmUsage {
  const clients = new Map<string, { readonly chip: string; readonly bytes: number }>()
  for (const [i, text] of fdinfos.entries()) {
    const chip = /^drm-pdev:\s*(\S+)/m.exec(text)?.[1]
    if (chip === undefined) continue
    const client = /^drm-client-id:\s*(\d+)/m.exec(text)?.[1] ?? `file ${i}`
    const total = sumOf(text, 'total')
    clients.set(`${chip} ${client}`, { chip, bytes: total ?? sumOf(text, 'memory') ?? 0 })
  }
  const usage = new Map<string, number>()
  for (const { chip, bytes } of clients.values()) usage.set(chip, (usage.get(chip) ?? 0) + bytes)
  return usage
}

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB, MiB }

function sumOf(text: string, kind: 'total' | 'memory'): number | undefined {
  const lines = [
    ...text.matchAll(new RegExp(`^drm-${kind}-\\S+:\\s*(\\d+)[ \\t]*(KiB|MiB)?`, 'gm')),
  ]
  if (lines.length === 0) return undefined
  return lines.reduce((sum, [, count, unit = '']) => sum + Number(count) * UNITS[unit]!, 0)
}

/** The only chip on which at least so much more is held than before; undefined where none or several are. */
export function chipThatGrew(before: DrmUsage, after: DrmUsage, bytes: number): string | undefined {
  const grown = [...after].filter(([chip, now]) => now - (before.get(chip) ?? 0) >= bytes)
  return grown.length === 1 ? grown[0]![0] : undefined
}

/** What this process holds now; empty where the system does not tell. */
async function drmUsage(): Promise<DrmUsage> {
  const texts: string[] = []
  for (const file of await readdir(FDINFO).catch(() => [])) {
    try {
      texts.push(await readFile(`${FDINFO}/${file}`, 'utf8'))
    } catch (error) {
      if (codeOfSystem(error) !== 'ENOENT') throw error // closed since it was listed
    }
  }
  return parseDrmUsage(texts)
}

const codeOfSystem = (error: unknown): unknown =>
  (error as NodeJS.ErrnoException).code ?? codeOf(error)

/** The PCI address of the chip that a device is, by taking memory of it; undefined where the system does not tell. */
export async function chipOf(device: WebgpuDevice): Promise<string | undefined> {
  const before = await drmUsage()
  try {
    await device.call(async () => {
      const buffer = await device.allocate(PROBE_BYTES)
      device.write(buffer, new Uint32Array(PROBE_BYTES / 4).fill(1))
      await device.finish()
    })
    return chipThatGrew(before, await drmUsage(), PROBE_BYTES)
  } finally {
    device.releaseAll()
  }
}

/** Throws GPU_NOT_PINNED unless a device is the chip at this PCI address. */
export async function checkChip(device: WebgpuDevice, pci: string): Promise<void> {
  const chip = await chipOf(device)
  if (chip === pci) return
  throw notPinned(
    device.name,
    `opens ${chip ?? 'a chip that the system does not tell'} in place of ${pci}`,
  )
}

/** A process that cannot be held to one of several GPUs of a name. */
export const notPinned = (name: string, why: string): NodeError =>
  new NodeError(
    'GPU_NOT_PINNED',
    `of several GPUs named ${name} only one can prove here: this one ${why}`,
    {
      next: 'give each GPU a container or machine of its own that sees it alone',
    },
  )
