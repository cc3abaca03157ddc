import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { leaseUsage } from '../../../src/api/lease-usage.ts'
import { usageLine, usageText } from '../../../src/node/commands/top.ts'
import { noDocker, testEngine } from '../../support/docker.ts'
import { stopLease } from '../../support/lease-market.ts'
import { serveLease } from '../../support/served-lease.ts'

const nothing = {
  ...{ atMs: 0, cpuPercent: null, cores: 0.5, memoryMiB: null, memoryLimitMiB: 64 },
  ...{ rxBytes: null, txBytes: null, diskMiB: null, diskLimitMiB: null, pids: null, gpus: [] },
}

test('what is known is shown with its limits, what is not as a dash', () => {
  const gpu = { id: 'pci-0', loadPercent: 97, memoryMiB: 900, temperatureC: 60, powerW: 301.4 }
  const all = {
    ...{ ...nothing, cpuPercent: 4.26, memoryMiB: 31.7, rxBytes: 1000, txBytes: 0 },
    ...{ diskMiB: 3, diskLimitMiB: 100, pids: 2, gpus: [gpu] },
  }
  expect(usageText(all)).toBe(
    'cpu        4.3 % of 50 %\nmemory     32 of 64 MiB\ndisk       3 of 100 MiB\n' +
      'network    1.0 kB in, 0 B out\nprocesses  2\npci-0      97 %, 900 MiB, 60 °C, 301 W',
  )
  expect(usageLine(nothing)).toBe(
    '00:00:00  cpu - of 50 %  memory - of 64 MiB  disk - MiB  network - in, - out  processes -',
  )
})

describe.skipIf(noDocker)('of a real container', { timeout: 120_000 }, () => {
  test('once, and again and again until the lease ends', async () => {
    await using lease = await serveLease(await testEngine(), 'busybox:1.37')
    const [now] = lease.renter.book.live.values()
    const shown = await lease.cli('top', lease.id, '--json').ended
    expect(shown).toMatchObject({ err: '', code: 0 })
    const usage = leaseUsage.parse(JSON.parse(shown.out))
    expect(usage.cpuPercent).toBeGreaterThanOrEqual(0)
    expect(usage).toMatchObject({ memoryLimitMiB: now!.terms.memoryMiB, gpus: [{ id: 'cpu-0' }] })
    expect(usage.pids).toBeGreaterThan(0)

    const { child, ended } = lease.cli('top', lease.id, '--watch')
    const lines = createInterface({ input: child.stdout! })
    await once(lines, 'line')
    await once(lines, 'line')
    await stopLease(lease.renter, now!)
    const { err, code } = await ended
    expect(code).not.toBe(0)
    expect(err).toContain('the lease has ended: done')
  })
})
