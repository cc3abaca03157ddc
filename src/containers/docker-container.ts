import type Docker from 'dockerode'
import { messageOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { attachedCommand, type CommandState } from './attached-command.ts'
import { howItEnded, killMain, removeNow, stop, waitForEnd } from './container-end.ts'
import { pauseAll, resumeAll } from './container-pause.ts'
import { diskBytesOf, splitLogs, usageOf } from './container-usage.ts'
import { askDocker, isGone } from './docker-client.ts'
import { dialIn } from './docker-dial.ts'
import { attachTo, execIn, spawnIn } from './docker-exec.ts'
import { readLogsOf } from './docker-logs.ts'
import { snapshotOf } from './docker-snapshot.ts'
import type { Container, ContainerStatus } from './engine.ts'
import { toolboxFileTools } from './file-tools.ts'
import { containerName } from './hardened-spec.ts'
import { removeNameless } from './images.ts'
import { outOfMemory } from './out-of-memory.ts'
import type { Tool } from './toolbox.ts'

export interface DockerContainerParts {
  readonly docker: Docker
  readonly id: string
  /** The PeerId of the node that made it. */
  readonly nodeId: string
  readonly leaseId: string
  readonly expiresAtMs: number
  /** True when its main process only idles: nothing in it wants a grace. */
  readonly idle: boolean
  /** The container that holds its network; it ends with this one. */
  readonly holder?: string | undefined
  readonly tools: readonly Tool[]
  /** As DialParts. */
  readonly isNear: boolean
  /** True when its image goes with it. */
  readonly privateImage?: boolean
  readonly log: Log
}

const GRACE_MS = 5_000

/** A container of a Docker Engine, by its id. */
export function dockerContainer(parts: DockerContainerParts): Container {
  const { docker, id, nodeId, leaseId, idle, tools, holder, isNear, log } = parts
  const container = docker.getContainer(id)
  let expiresAtMs = parts.expiresAtMs

  const inspect = () =>
    askDocker('look at the container', (abortSignal) => container.inspect({ abortSignal }))
  const mainState = async (): Promise<CommandState> => {
    const { State } = await inspect()
    return { running: State.Running, exitCode: State.Running ? null : State.ExitCode }
  }
  /** The id of the image to remove; undefined where it stays. */
  const ownImage = async (): Promise<string | undefined> => {
    if (parts.privateImage !== true) return undefined
    try {
      return (await inspect()).Image
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }
  const removeAll = async (): Promise<void> => {
    const image = await ownImage()
    await removeNow(container)
    if (image !== undefined) await removeNameless(docker, image)
    if (holder !== undefined) await removeNow(docker.getContainer(holder))
  }
  const remove: Container['remove'] = async ({ graceMs = idle ? 0 : GRACE_MS } = {}) => {
    // A paused process hears no SIGTERM.
    await resumeAll(container)
    if (graceMs > 0) await stop(container, graceMs)
    await removeAll()
  }

  return {
    id,
    leaseId,
    get expiresAtMs() {
      return expiresAtMs
    },
    async start() {
      try {
        await askDocker('start the container', (abortSignal) => container.start({ abortSignal }))
        if (idle) await checkIdling(mainState)
      } catch (error) {
        await removeAll().catch((cause) =>
          log.error('failed-start-not-removed', cause, { lease: leaseId, container: id }),
        )
        throw error
      }
    },
    async attach() {
      return attachedCommand({
        socket: await attachTo(docker, id),
        tty: false,
        inspect: mainState,
        resize: async () => undefined, // the main process has no terminal
        kill: (signal = 'SIGKILL') => killMain(container, signal),
      })
    },
    exec: (command, options) => execIn(container, command, options ?? {}),
    spawn: (command, options) => spawnIn(container, command, options ?? {}),
    dial: (port, signal) => dialIn({ docker, container, holder, tools, isNear }, port, signal),
    tools,
    fileTools: async () => toolboxFileTools(tools),
    async status() {
      try {
        return statusName((await inspect()).State.Status)
      } catch (error) {
        if (isGone(error)) return 'gone'
        log.debug('status-unknown', { lease: leaseId, reason: messageOf(error) })
        return 'unknown'
      }
    },
    wait: (signal) => waitForEnd(container, mainState, signal),
    end: () => howItEnded(docker, id),
    outOfMemory: (signal) => outOfMemory(docker, id, signal),
    pause: () => pauseAll(container),
    resume: () => resumeAll(container),
    async logs({ tailLines } = {}) {
      const raw = await askDocker('read the logs', () =>
        container.logs({
          stdout: true,
          stderr: true,
          ...(tailLines === undefined ? {} : { tail: tailLines }),
        }),
      )
      return splitLogs(raw)
    },
    readLogs: (options) => readLogsOf(container, options),
    usage: () => usageOf(container, holder === undefined ? undefined : docker.getContainer(holder)),
    diskBytes: () => diskBytesOf(container),
    snapshot: (options) => snapshotOf({ docker, container, nodeId }, options),
    async extend(later) {
      await askDocker('extend the container', (abortSignal) =>
        container.rename({ name: containerName(leaseId, later), abortSignal }),
      )
      expiresAtMs = later
    },
    remove,
  }
}

const statusName = (text: string): ContainerStatus =>
  text === 'created' || text === 'paused'
    ? text
    : ['exited', 'dead', 'removing'].includes(text)
      ? 'exited'
      : 'running'

/** The image may lack what idling takes; the main process has ended then, by now. */
async function checkIdling(mainState: () => Promise<CommandState>): Promise<void> {
  const { running, exitCode } = await mainState()
  if (running) return
  throw new NodeError(
    'ENGINE_IMAGE',
    `the image has no \`sleep\` to idle with (exit code ${exitCode})`,
    {
      next: 'rent with a command of the image (rent … -- CMD), or use an image with a shell',
    },
  )
}
