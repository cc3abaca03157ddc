import type { Duplex, Readable, Writable } from 'node:stream'
import type { NodeError } from '../errors.ts'
import type { EngineVolumes, VolumeMount } from './engine-volumes.ts'
import type { InputPipe } from './input-pipe.ts'
import type { Snapshot, SnapshotOptions } from './snapshot.ts'
import type { Tool } from './toolbox.ts'

/**
 * What runs the containers of this machine. An engine that does not answer makes a call reject with ENGINE_UNKNOWN:
 * that says nothing about the container, and nobody may conclude that it failed (DESIGN.md, "Leases").
 */
export interface Engine {
  readonly kind: 'docker' | 'process'
  /** For people, wherever leases show: `docker 20.10.24` or `process (no isolation, devnet only)`. */
  readonly label: string
  /** What holds a tenant here, as offers say it. */
  readonly isolation: Isolation
  /** What it says of itself and its machine; undefined while it has not answered yet, and where it has nothing to say. */
  readonly facts?: EngineFacts | undefined
  /**
   * Sets right what other programs undid (the firewall), and says why no new lease should start here now: the firewall
   * cannot be set, the disk is nearly full. Never rejects; undefined: one may.
   */
  check(): Promise<NodeError | undefined>
  /** Throws REFUSED_IMAGE where the owner's rules keep this image from being pulled here. */
  checkImage(image: string): void
  /** Makes the image present, by pulling it where it is not. ENGINE_IMAGE says why it cannot be had. */
  ensureImage(image: string, options?: ImageOptions): Promise<void>
  /** What outlives containers; undefined where nothing can (the `process` engine). */
  readonly volumes?: EngineVolumes
  /** Makes a container that has not started yet; its image must be present. A second one for a lease is refused. */
  create(spec: ContainerSpec): Promise<Container>
  /** Every container this node made, in whatever state, also before it was restarted: to adopt or to remove. */
  list(): Promise<Container[]>
  /** Lets go of the engine; containers keep running, so that a restarted node finds them. */
  close(): Promise<void>
}

/** What an engine says of itself and of the machine it runs on. */
export interface EngineFacts {
  readonly version: string
  /** What it can run containers with, sorted. */
  readonly runtimes: readonly string[]
  readonly cpuCores: number
  readonly memoryMiB: number
  /** As Node calls it: `x64`, `arm64`. */
  readonly cpuArch: string
}

/** What holds a tenant, and what does not. */
export interface Isolation {
  /** What runs the containers: `runc`, `runsc`, `sysbox-runc`, `nvidia`, or `none` for plain processes. */
  readonly runtime: string
  /** Whether leases are kept away from the host and its networks. */
  readonly fenced: boolean
  /** Whether the storage itself ends a lease's growth; otherwise its disk is measured now and then. */
  readonly diskQuota: boolean
  /** True where it runs on another machine than this one: nothing of that machine can be proven from here. */
  readonly remote?: true
}

export interface ImageOptions {
  /** Of the image's registry. The image is pulled anew, for this caller alone; nothing of it is kept after the call. */
  readonly credentials?: RegistryCredentials | undefined
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ImageProgress) => void
}

/** A login at an image registry, as bytes, so that it can be wiped: JSON of RegistryLogin. */
export type RegistryCredentials = Uint8Array

export interface ImageProgress {
  readonly image: string
  /** The layer it is about, if it is one. */
  readonly layer?: string
  /** For people: `pulling`, `extracting`, `made from /usr/bin/busybox`. */
  readonly step: string
  /** Both 0 while the size is not known. */
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface ContainerSpec {
  /** Hex; at most one container per lease. */
  readonly leaseId: string
  readonly image: string
  /** The main process, as `docker run IMAGE COMMAND…` would start it: the container ends with it. None: it idles until removed. */
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** `GPU-…` or `MIG-…`; empty: no GPU. */
  readonly gpuUuids?: readonly string[]
  readonly memoryMiB: number
  readonly cpus: number
  /** What it may write on the disk. Undefined: no limit but the disk's. */
  readonly diskMiB?: number | undefined
  /** What it mounts of its renter's; each was made sure of before. */
  readonly volumes?: readonly VolumeMount[]
  /** True: its image came with its renter's credentials; nobody else may use it, and it goes with the lease. */
  readonly privateImage?: boolean
  /** Unix ms. Kept with the container, so that it survives the loss of the node's database. */
  readonly expiresAtMs: number
}

/** `unknown`: the engine did not answer. `gone`: it answered that there is no such container. */
export type ContainerStatus = 'created' | 'running' | 'paused' | 'exited' | 'gone' | 'unknown'

/**
 * What ended a main process: `exited` by itself or by a signal from inside; `out-of-memory`: its limit; `host`: a
 * signal from outside the container; `engine`: it died while no engine watched over it.
 */
export interface ContainerEnd {
  readonly exitCode: number
  readonly cause: 'exited' | 'out-of-memory' | 'host' | 'engine'
}

export interface Container {
  /** The engine's own id. */
  readonly id: string
  readonly leaseId: string
  readonly expiresAtMs: number
  /** Starts the main process. A start that fails removes the container; a command that the image lacks starts and exits with 127. */
  start(): Promise<void>
  /** The main process's streams; call it before `start`, so that nothing is missed. */
  attach(): Promise<Exec>
  /** Runs another command inside. */
  exec(command: readonly string[], options?: ExecOptions): Promise<Exec>
  /**
   * Starts a command that runs on by itself, its output unread; resolves with its id, the value of its CN_EXEC variable.
   * @throws FAILED_START, with the `exitCode` that a shell would give, where there is no such program or it may not run
   */
  spawn(command: readonly string[], options?: SpawnOptions): Promise<string>
  /**
   * Connects to a TCP port on which something listens inside, be it on loopback alone. Ending either direction leaves
   * the other open, where the way there can (docs/leases.md); destroy it when it is no longer wanted.
   * @throws NOTHING_MATCHED_PORT when nothing listens there, ENGINE_UNSUPPORTED when this engine cannot reach it
   */
  dial(port: number, signal?: AbortSignal): Promise<Duplex>
  /** The tools of this host that lie in `/.cn`; none where there are none (`doctor` says why). */
  readonly tools: readonly Tool[]
  /** What looks at its files. @throws ENGINE_UNSUPPORTED where the host has no static busybox */
  fileTools(): Promise<FileTools>
  /** Never rejects: an engine that does not answer is `unknown`. */
  status(): Promise<ContainerStatus>
  /** Resolves when the main process has ended (at once if it has). ENGINE_GONE when the container was removed meanwhile. */
  wait(signal?: AbortSignal): Promise<{ readonly exitCode: number }>
  /** How the main process ended; undefined while it has not, and when nobody can tell. ENGINE_GONE when the container was removed. */
  end(): Promise<ContainerEnd | undefined>
  /**
   * Yields each time that a process in it, the main one or another, was killed because it needed more memory than it has;
   * ends when `signal` aborts. Nothing where the engine cannot tell.
   */
  outOfMemory(signal: AbortSignal): AsyncIterable<void>
  /** Stops everything inside where it is, memory and disk kept; `exec` is refused meanwhile. Again: no change. */
  pause(): Promise<void>
  /** Lets it go on from there. No error when it is not paused. */
  resume(): Promise<void>
  /** The main process's newest output; empty for a container that idles. */
  logs(options?: { readonly tailLines?: number }): Promise<Logs>
  /** What the main process printed and, with `follow`, prints, until it has ended; a reader that stalls loses nothing. */
  readLogs(options: LogOptions): Promise<AsyncIterable<LogRecord>>
  usage(): Promise<ContainerUsage>
  /** What it wrote on the disk so far, in bytes; undefined where the engine cannot tell. May take seconds: files are counted. */
  diskBytes(): Promise<number | undefined>
  /** What it is now as an image, without volumes and tools. ENGINE_UNSUPPORTED where containers are no images. */
  snapshot(options: SnapshotOptions): Promise<Snapshot>
  /** Keeps a new expiry with the container. */
  extend(expiresAtMs: number): Promise<void>
  /** Ends everything inside (SIGTERM, then SIGKILL after the grace) and removes it. No error when it is gone already. */
  remove(options?: { readonly graceMs?: number }): Promise<void>
}

export interface FileTools {
  /** The program's path, for `exec`. */
  readonly busybox: string
  /** False where `exec` sees the host's own files: then nothing but the lease's folder, its HOME, may be touched. */
  readonly isIsolated: boolean
}

export interface Logs {
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

export interface LogOptions {
  readonly follow?: boolean
  /** Only the newest records of what there is. */
  readonly tail?: number
  /** From this moment on: UTC with nine places, as in `LogRecord.at`. */
  readonly since?: string
  /** Whether the reader cares for the times. ENGINE_UNSUPPORTED where there are none. */
  readonly timestamps?: boolean
  /** Ends the reading. */
  readonly signal?: AbortSignal
}

/** A line that was printed, with its newline; of one above 16 KiB, a piece. */
export interface LogRecord {
  readonly stream: 'stdout' | 'stderr'
  /** `2026-01-02T03:04:05.000000006Z` */
  readonly at: string
  readonly data: Uint8Array
}

export interface ContainerUsage {
  /** When it was measured, Unix ms by the engine's clock. */
  readonly atMs: number
  /** CPU time since the start, all processes together. */
  readonly cpuMs: number
  readonly memoryBytes: number
  readonly processes: number
  /** What its network carried since the start, into it and out of it; undefined where nobody counts. */
  readonly network?: { readonly rxBytes: number; readonly txBytes: number } | undefined
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>
  /** A terminal: stderr is merged into stdout, and ending stdin types Ctrl-D. */
  readonly tty?: boolean
  readonly size?: TerminalSize
  readonly workingDir?: string
  /** A name or number, `:group` after it if need be; without one, the image's. */
  readonly user?: string
  /** Kills the command, with all that it started, when it aborts. */
  readonly signal?: AbortSignal
}

/** How to start a command that nobody is attached to. */
export type SpawnOptions = Pick<ExecOptions, 'env' | 'workingDir' | 'user'>

/**
 * A command that runs inside. Read (or `resume()`) both outputs; a reader that stalls holds the command back and loses
 * nothing. Ending `stdin` is end of input for the command; its output goes on.
 */
export interface Exec {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Rejects with ENGINE_UNKNOWN when the engine cannot tell: then the command may still run. */
  readonly exitCode: Promise<number>
  /**
   * The pipe that is its standard input, past the engine, which would handle each byte several times. Asked of a command
   * that has printed something; no other input may be on its way. Undefined, or absent, where there is no such way.
   */
  inputPipe?(way: 'read' | 'write'): Promise<InputPipe | undefined>
  resize(size: TerminalSize): Promise<void>
  /** Signals the command and everything it started; SIGKILL if not said otherwise. No error when it has ended. */
  kill(signal?: ExecSignal, whom?: Signalled): Promise<void>
}

/** `command`: what was asked for itself, and nothing that it started. */
export type Signalled = 'all' | 'command'

export type ExecSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL' | 'SIGTERM'
