import Docker from 'dockerode'
import { createDockerEngine, type DockerEngineOptions } from '../../src/containers/docker-engine.ts'
import type { ContainerSpec, Engine } from '../../src/containers/engine.ts'
import { requireOrSkip } from './skips.ts'

/** The client the tests look over the engine's shoulder with. */
export const docker = new Docker()

const answers = await docker.ping().then(
  () => true,
  () => false,
)

/** For `describe.skipIf(noDocker)`. */
export const noDocker = !requireOrSkip(answers, 'a Docker Engine (.ci/ensure-docker.sh brings one)')

const random = (): string => crypto.randomUUID().replaceAll('-', '')

/** An engine of a node of its own; disposing it removes every container the node made. */
export async function testEngine(
  nodeId = `test-${random()}`,
  options: Partial<DockerEngineOptions> = {},
): Promise<Engine & AsyncDisposable & { nodeId: string }> {
  const engine = await createDockerEngine({
    nodeId,
    unfenced: process.getuid?.() !== 0,
    ...options,
  })
  return Object.assign(engine, {
    nodeId,
    async [Symbol.asyncDispose]() {
      for (const container of await engine.list()) await container.remove({ graceMs: 0 })
      await engine.close()
    },
  })
}

/** A small lease of the devnet's image; `command` as in ContainerSpec. */
export const smallSpec = (command?: readonly string[]): ContainerSpec => ({
  leaseId: random(),
  image: 'busybox:1.37',
  ...(command === undefined ? {} : { command }),
  memoryMiB: 64,
  cpus: 1,
  expiresAtMs: Date.now() + 600_000,
})
