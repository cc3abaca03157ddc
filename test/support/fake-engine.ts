import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import type {
  Container,
  ContainerEnd,
  ContainerSpec,
  ContainerStatus,
  ContainerUsage,
  Engine,
  Exec,
  ImageOptions,
  Isolation,
} from '../../src/containers/engine.ts'
import type { EngineVolumes } from '../../src/containers/engine-volumes.ts'
import { nothingListens } from '../../src/containers/nothing-listens.ts'
import { NodeError } from '../../src/errors.ts'

/** What a command of the fake engine does; the default of `sh` is to be `cat`. */
export type FakeCommand = (io: {
  readonly args: readonly string[]
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  readonly stderr: PassThrough
  readonly killed: AbortSignal
}) => Promise<number>

export interface FakeContainer extends Container {
  readonly spec: ContainerSpec
  state: ContainerStatus
}

/** An engine in memory: containers are entries of a map, commands are functions. */
export class FakeEngine implements Engine {
  readonly kind = 'process'
  readonly label = 'fake engine'
  readonly containers = new Map<string, FakeContainer>()
  readonly commands: Record<string, FakeCommand> = {
    true: async () => 0,
    echo: async ({ args, stdout }) => {
      stdout.write(`${args.join(' ')}\n`)
      return 0
    },
    fail: async ({ args, stderr }) => {
      stderr.write('it failed\n')
      return Number(args[0])
    },
    cat: async ({ stdin, stdout, killed }) => {
      for await (const chunk of stdin) {
        if (!stdout.write(chunk)) await new Promise((resolve) => stdout.once('drain', resolve))
        if (killed.aborted) return 129
      }
      return 0
    },
    sleep: ({ killed }) =>
      new Promise((resolve) => killed.addEventListener('abort', () => resolve(129))),
  }
  /** Signals that commands were sent, newest last. */
  readonly signals: string[] = []
  /** Loopback ports of this machine that count as open in every container. */
  readonly ports = new Set<number>()
  /** What `ensureImage` throws, when it is set. */
  imageError: NodeError | undefined
  /** Thrown by every `status` and `remove` while set: the engine does not answer. */
  silent = false
  /** How containers that are `exited` ended. */
  ended: ContainerEnd = { exitCode: 0, cause: 'exited' }

  /** What `usage` of every container says. */
  used: Omit<ContainerUsage, 'atMs'> = { cpuMs: 0, memoryBytes: 0, processes: 1 }
  isolation: Isolation = { runtime: 'runc', fenced: true, diskQuota: true }
  /** What `check` finds: why no new lease should start. */
  fault: NodeError | undefined
  /** What `diskBytes` of every container says. */
  diskBytes = 0
  /** What `checkImage` throws, when it is set. */
  imageRefusal: NodeError | undefined
  /** Credentials as they were handed to `ensureImage`, before anybody wiped them. */
  readonly logins: string[] = []
  /** The very bytes, which their owner wipes. */
  readonly heldLogins: Uint8Array[] = []

  async check(): Promise<NodeError | undefined> {
    return this.fault
  }

  checkImage(): void {
    if (this.imageRefusal !== undefined) throw this.imageRefusal
  }

  /** Images that were asked for. */
  readonly pulls: string[] = []

  async ensureImage(image: string, { credentials }: ImageOptions = {}): Promise<void> {
    this.pulls.push(image)
    if (credentials !== undefined) {
      this.logins.push(Buffer.from(credentials).toString())
      this.heldLogins.push(credentials)
    }
    if (this.imageError !== undefined) throw this.imageError
  }

  async create(spec: ContainerSpec): Promise<Container> {
    const container = this.#container(spec)
    this.containers.set(spec.leaseId, container)
    return container
  }

  async list(): Promise<Container[]> {
    return [...this.containers.values()]
  }

  async close(): Promise<void> {}

  /** Volumes that are there, by id, with the bytes in them. */
  readonly kept = new Map<string, number>()
  /** Whether their sizes are held by the storage. */
  enforced = true
  readonly volumes: EngineVolumes = {
    ensure: async ({ id }) => {
      this.kept.set(id, this.kept.get(id) ?? 0)
      return { id, enforced: this.enforced }
    },
    list: async () => {
      if (this.silent) throw new NodeError('ENGINE_UNKNOWN', 'the engine does not answer')
      return [...this.kept.keys()].map((id) => ({ id, enforced: this.enforced }))
    },
    usedBytes: async () => new Map(this.kept),
    remove: async (id) => {
      if (this.silent) throw new NodeError('ENGINE_UNKNOWN', 'the engine does not answer')
      this.kept.delete(id)
    },
  }

  #container(spec: ContainerSpec): FakeContainer {
    const engine = this
    let { expiresAtMs } = spec
    return {
      id: `fake-${spec.leaseId.slice(0, 8)}`,
      leaseId: spec.leaseId,
      get expiresAtMs() {
        return expiresAtMs
      },
      spec,
      state: 'created',
      async start() {
        this.state = 'running'
      },
      attach: () => Promise.reject(new Error('the fake engine attaches nothing')),
      exec: async (command) => engine.#exec(command),
      spawn: async (command) => {
        engine.#exec(command)
        return 'fa4e'
      },
      async dial(port) {
        if (!engine.ports.has(port)) throw nothingListens(port)
        return connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      },
      tools: [],
      fileTools: async () => ({ busybox: 'busybox', isIsolated: true }),
      async status() {
        if (engine.silent) return 'unknown'
        return engine.containers.has(spec.leaseId) ? this.state : 'gone'
      },
      wait: () => new Promise(() => undefined),
      async end() {
        return this.state === 'exited' ? engine.ended : undefined
      },
      outOfMemory: (signal) => engine.#oomKills(signal),
      async pause() {
        if (engine.silent) throw new NodeError('ENGINE_UNKNOWN', 'the engine does not answer')
        if (this.state === 'running') this.state = 'paused'
      },
      async resume() {
        if (engine.silent) throw new NodeError('ENGINE_UNKNOWN', 'the engine does not answer')
        if (this.state === 'paused') this.state = 'running'
      },
      logs: async () => ({ stdout: Buffer.from('main\n'), stderr: new Uint8Array() }),
      readLogs: () => Promise.reject(new Error('the fake engine keeps no logs')),
      async usage() {
        if (engine.silent) throw new NodeError('ENGINE_UNKNOWN', 'it does not answer')
        return { ...engine.used, atMs: Date.now() }
      },
      diskBytes: async () => engine.diskBytes,
      snapshot: () => Promise.reject(new Error('the fake engine makes no snapshots')),
      async extend(later) {
        if (engine.silent) throw new NodeError('ENGINE_UNKNOWN', 'the engine does not answer')
        expiresAtMs = later
      },
      async remove() {
        if (engine.silent) throw new NodeError('ENGINE_UNKNOWN', 'the engine does not answer')
        engine.containers.delete(spec.leaseId)
      },
    }
  }

  /** Kills a process of every container for want of memory. */
  readonly runOutOfMemory = new EventTarget()

  async *#oomKills(signal: AbortSignal): AsyncGenerator<void, void> {
    while (!signal.aborted) {
      const killed = await new Promise<boolean>((resolve) => {
        this.runOutOfMemory.addEventListener('kill', () => resolve(true), { once: true, signal })
        signal.addEventListener('abort', () => resolve(false), { once: true })
      })
      if (killed) yield
    }
  }

  #exec([name = '', ...args]: readonly string[]): Exec {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const killer = new AbortController()
    const run = this.commands[name]
    if (run === undefined) throw new NodeError('FAILED_COMMAND', `${name}: not found`)
    const exitCode = run({ args, stdin, stdout, stderr, killed: killer.signal })
    void exitCode.finally(() => {
      stdout.end()
      stderr.end()
    })
    return {
      stdin,
      stdout,
      stderr,
      exitCode,
      resize: async () => undefined,
      kill: async (signal = 'SIGKILL') => {
        this.signals.push(signal)
        killer.abort()
      },
    }
  }
}
