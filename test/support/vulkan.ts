/**
 * A WebGPU adapter that every machine can have: SwiftShader, Vulkan on the processor. Debian's `chromium-common` brings
 * it, `libvulkan1` the loader. Tests see this adapter alone, whatever GPUs there are; CN_VULKAN_DRIVER names the
 * description (.json) of another software driver to run them on.
 */
import { existsSync } from 'node:fs'
import { messageOf } from '../../src/errors.ts'
import { listWebgpuAdapters, type OpenAdapter, openAdapter } from '../../src/gpu/webgpu-adapters.ts'
import { loadWebgpu } from '../../src/gpu/webgpu-module.ts'
import { requireOrSkip } from './skips.ts'

const DRIVER = process.env['CN_VULKAN_DRIVER'] ?? '/usr/lib/chromium/vk_swiftshader_icd.json'

// The loader reads them when Dawn first asks for adapters; the second is the older name.
process.env['VK_DRIVER_FILES'] = DRIVER
process.env['VK_ICD_FILENAMES'] = DRIVER

const driver = 'a software Vulkan driver (apt-get install chromium-common libvulkan1)'

/** What is missing, or undefined. */
async function lack(): Promise<string | undefined> {
  if (!existsSync(DRIVER)) return driver
  try {
    const adapters = await listWebgpuAdapters()
    return adapters.some(({ isSoftware }) => isSoftware) ? undefined : driver
  } catch (error) {
    return `the package webgpu (${messageOf(error)})`
  }
}
const missing = await lack()

/** For `describe.skipIf(noVulkan)`. */
export const noVulkan = !requireOrSkip(missing === undefined, missing ?? driver)

/** The adapter, and once a device was asked for, that device itself. */
export async function softwareAdapter(): Promise<OpenAdapter & { device(): GPUDevice }> {
  const opened = await openAdapter(await loadWebgpu())
  let device: GPUDevice | undefined
  const adapter = {
    info: opened.adapter.info,
    limits: opened.adapter.limits,
    requestDevice: async (descriptor: GPUDeviceDescriptor) => {
      device = await opened.adapter.requestDevice(descriptor)
      return device
    },
  } as GPUAdapter
  return {
    ...opened,
    adapter,
    device: () => {
      if (device === undefined) throw new Error('no device was asked for')
      return device
    },
  }
}
