import { expect, test } from 'vitest'
import { driverEnv } from '../../src/gpu/driver-env.ts'
import { Restarts } from '../../src/gpu/restarts.ts'
import { minutesMs, secondsMs } from '../../src/units.ts'

test('waits double from the second crash on, up to ten minutes', () => {
  const restarts = new Restarts()
  const waits = Array.from({ length: 12 }, () => restarts.crashed(0, 0) / 1000)
  expect(waits).toEqual([0, 5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600])
})

test('the wait passes, and ten minutes of health forgive', () => {
  const restarts = new Restarts()
  expect(restarts.waitMs(0)).toBe(0)
  for (const nowMs of [1000, 2000, 3000]) restarts.crashed(0, nowMs)
  expect(restarts.waitMs(3000)).toBe(secondsMs(10))
  expect(restarts.waitMs(12_000)).toBe(1000)
  expect(restarts.waitMs(60_000)).toBe(0)
  expect(restarts.crashed(60_000, 60_000 + minutesMs(10))).toBe(0)
  expect(restarts.crashes).toBe(1)
})

test('an environment for drivers has what they read and no secret', () => {
  const given = {
    PATH: '/bin',
    HOME: '/h',
    LD_LIBRARY_PATH: '/l',
    CUDA_CACHE_PATH: '/c',
    NVIDIA_DRIVER_CAPABILITIES: 'all',
    VK_ICD_FILENAMES: '/i',
    XDG_RUNTIME_DIR: '/x',
    TMPDIR: '/t',
  }
  const withheld = {
    COMPUTE_NODE_API_TOKEN: 't',
    NODE_OPTIONS: '--import=x',
    NODE_CHANNEL_FD: '3',
    SSH_AUTH_SOCK: '/s',
    AWS_SECRET_ACCESS_KEY: 'k',
    LD_PRELOAD: '/p',
    MY_CUDA_TOKEN: 't',
  }
  expect(driverEnv({ ...given, ...withheld })).toEqual(given)
})
