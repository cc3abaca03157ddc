import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MiB } from '../../units.ts'

/** A GPU that Linux drives and this process may open, as the kernel describes it. */
export interface RenderNode {
  /** PCI address; absent for one that is part of a system on a chip. */
  readonly address?: string
  /** PCI vendor in words where it is one we know, else its number, e.g. `0x1af4`; `platform` without an address. */
  readonly vendor: string
  /** PCI device id, e.g. `0x73bf`; empty without an address. */
  readonly model: string
  /** Memory of its own, and what of it is in use; null where its driver does not tell (amdgpu does). */
  readonly vramMiB: number | null
  readonly usedMiB: number | null
  readonly utilizationPercent: number | null
}

export interface RenderNodePlaces {
  readonly classes?: string
  readonly nodes?: string
}

const VENDORS: Readonly<Record<string, string>> = {
  '0x10de': 'nvidia',
  '0x1002': 'amd',
  '0x8086': 'intel',
  '0x106b': 'apple',
}
const PCI_ADDRESS = /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/

/** The GPUs whose render node this process has, in the order of their nodes; undefined where there is no such thing (not Linux). */
export async function listRenderNodes({
  classes = '/sys/class/drm',
  nodes = '/dev/dri',
}: RenderNodePlaces = {}): Promise<RenderNode[] | undefined> {
  if (process.platform !== 'linux') return undefined
  const names = await readdir(nodes).catch(() => []) // a machine or container without GPUs has no such folder
  const render = names.filter((name) => /^renderD\d+$/.test(name)).toSorted()
  const found = await Promise.all(render.map((name) => describe(join(classes, name, 'device'))))
  return found.filter((node) => node !== undefined)
}

async function describe(device: string): Promise<RenderNode | undefined> {
  const target = await readlink(device).catch(() => undefined) // unplugged since it was listed
  if (target === undefined) return undefined
  const address = basename(target)
  const bytes = async (name: string): Promise<number | null> => mib(await textOf(device, name))
  const memory = {
    vramMiB: await bytes('mem_info_vram_total'),
    usedMiB: await bytes('mem_info_vram_used'),
    utilizationPercent: numberOf(await textOf(device, 'gpu_busy_percent')),
  }
  if (!PCI_ADDRESS.test(address)) return { vendor: 'platform', model: '', ...memory }
  const vendor = (await textOf(device, 'vendor')) ?? ''
  const model = (await textOf(device, 'device')) ?? ''
  return { address, vendor: VENDORS[vendor] ?? vendor, model, ...memory }
}

/** A file of the kernel's, which drivers that do not know it lack. */
const textOf = (device: string, name: string): Promise<string | undefined> =>
  readFile(join(device, name), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )

const numberOf = (text: string | undefined): number | null =>
  text === undefined || !/^\d+$/.test(text) ? null : Number(text)

function mib(text: string | undefined): number | null {
  const bytes = numberOf(text)
  return bytes === null ? null : Math.floor(bytes / MiB)
}
