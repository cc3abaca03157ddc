import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { Container } from '../../src/containers/engine.ts'
import { docker, noDocker, smallSpec, testEngine } from '../support/docker.ts'

const holdersOf = async (nodeId: string): Promise<string[]> => {
  const label = [`cn.node=${nodeId}`, 'cn.holder=1']
  const found = await docker.listContainers({ all: true, filters: { label } })
  return found.filter(({ State }) => State === 'running').map(({ Id }) => Id)
}
const oneHolder = async (nodeId: string): Promise<string> => {
  await expect.poll(() => holdersOf(nodeId), { timeout: 20_000 }).toHaveLength(1)
  return (await holdersOf(nodeId))[0]!
}
const networkOf = async ({ id }: Container): Promise<string> =>
  (await docker.getContainer(id).inspect()).HostConfig.NetworkMode ?? ''
const said = async (container: Container, script: string): Promise<string> => {
  const exec = await container.exec(['sh', '-c', script])
  exec.stderr.resume()
  return text(exec.stdout)
}

describe.skipIf(noDocker)('a prepared network', () => {
  test('is joined by the next lease, replaced, and ends with the lease', async () => {
    await using engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    const holder = await oneHolder(engine.nodeId)
    const lease = await engine.create(smallSpec())
    expect(await networkOf(lease)).toBe(`container:${holder}`)
    await lease.start()
    expect(await said(lease, 'hostname; cat /etc/resolv.conf; ip addr; ps')).toMatch(
      /^lease\n.*nameserver.*eth0.*docker-init/s,
    )
    // The next one is prepared, for the next lease; this one's ends with it.
    await expect.poll(() => holdersOf(engine.nodeId), { timeout: 20_000 }).toHaveLength(2)
    await lease.remove()
    expect(await oneHolder(engine.nodeId)).not.toBe(holder)
  })

  test('is not waited for, nor relied on', async () => {
    await using engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    const early = await engine.create(smallSpec())
    expect(await networkOf(early)).toBe('cn-leases')
    const holder = await oneHolder(engine.nodeId)
    await docker.getContainer(holder).kill()
    const late = await engine.create(smallSpec())
    expect(await networkOf(late)).toBe('cn-leases')
    await late.start()
    expect(await late.status()).toBe('running')
  })

  test('an adopted lease takes its network along when it ends', async () => {
    await using engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    const holder = await oneHolder(engine.nodeId)
    const { leaseId } = await engine.create(smallSpec())
    await using again = await testEngine(engine.nodeId)
    const adopted = (await again.list()).find((one) => one.leaseId === leaseId)
    await adopted!.remove()
    expect(await holdersOf(engine.nodeId)).not.toContain(holder)
  })

  test('what a killed node left is removed at its next start, but not under a running lease', async () => {
    await using engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    const joined = await oneHolder(engine.nodeId)
    const lease = await engine.create(smallSpec())
    await expect.poll(() => holdersOf(engine.nodeId), { timeout: 20_000 }).toHaveLength(2)
    const orphan = (await holdersOf(engine.nodeId)).find((id) => id !== joined)

    await using again = await testEngine(engine.nodeId) // as if the first had been killed
    await expect.poll(() => holdersOf(engine.nodeId), { timeout: 20_000 }).not.toContain(orphan)
    expect(await holdersOf(engine.nodeId)).toContain(joined)
    expect(await again.list()).toHaveLength(1) // holders are no leases
    await lease.remove()
  })

  test('none is left when the engine is closed', async () => {
    const engine = await testEngine()
    await engine.close() // while it is being prepared
    expect(await holdersOf(engine.nodeId)).toEqual([])
  })
})
