import { describe, expect, test } from 'vitest'
import { chipThatGrew, parseDrmUsage } from '../../src/gpu/drm-usage.ts'
import { createWebgpuBackend } from '../../src/gpu/webgpu-backend.ts'
import { noVulkan } from '../support/vulkan.ts'

const [one, other] = ['0000:03:00.0', '0000:04:00.0']
/** Written by hand after the kernel's documentation (gpu/drm-usage-stats), not recorded. */
const file = (chip: string, client: number, lines: string): string =>
  `pos:\t0\nflags:\t02100002\ndrm-driver:\tamdgpu\ndrm-client-id:\t${client}\ndrm-pdev:\t${chip}\n${lines}\n`

test('what a process holds, by chip: each client once, all regions, in every unit', () => {
  const usage = parseDrmUsage([
    'pos:\t0\nflags:\t02\n',
    file(one, 7, 'drm-total-vram:\t2048 KiB\ndrm-total-gtt:\t1 MiB\ndrm-memory-vram:\t9999 KiB'),
    file(one, 7, 'drm-total-vram:\t2048 KiB\ndrm-total-gtt:\t1 MiB'),
    file(one, 8, 'drm-total-vram:\t100'),
    file(other, 7, 'drm-memory-vram:\t5 KiB'),
    file('0000:05:00.0', 9, 'drm-engine-gfx:\t0 ns'),
  ])
  expect([...usage]).toEqual([
    [one, 3 * 1024 * 1024 + 100],
    [other, 5 * 1024],
    ['0000:05:00.0', 0],
  ])
})

test.each([
  [[[one, 5]], [[one, 105]], one],
  [
    [],
    [
      [one, 100],
      [other, 20],
    ],
    one,
  ],
  [[[one, 5]], [[one, 50]], undefined],
  [
    [],
    [
      [one, 100],
      [other, 100],
    ],
    undefined,
  ],
  [[], [], undefined],
] as [[string, number][], [string, number][], string | undefined][])(
  'from %j to %j: %s',
  (before, after, chip) => {
    expect(chipThatGrew(new Map(before), new Map(after), 100)).toBe(chip)
  },
)

describe.skipIf(noVulkan)('with real Dawn', () => {
  test('a device that is not the chip at the address is refused', {
    timeout: 120_000,
  }, async () => {
    await expect(createWebgpuBackend({ pci: one })).rejects.toMatchObject({
      code: 'GPU_NOT_PINNED',
      message: expect.stringMatching(/a chip that the system does not tell in place of 0000:03/),
    })
  })
})
