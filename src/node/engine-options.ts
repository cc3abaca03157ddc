import { z } from 'zod'
import type { TlsFiles } from '../containers/docker-address.ts'
import { messageOf, NodeError } from '../errors.ts'

/** More would not fit into the lots of one miner's offers: two each, of 16. */
export const MAX_ENGINES = 8

/** A GPU that an engine's owner names; what nobody can look at from here is his word. */
export interface NamedGpu {
  /** `GPU-…` or `MIG-…`, as `nvidia-smi -L` tells it. */
  readonly uuid: string
  readonly name?: string | undefined
  readonly vramMiB?: number | undefined
}

/** One of the Docker Engines that a miner's leases run in, as its configuration says. */
export interface EngineConfig {
  readonly name: string
  /** `unix:///path` or `tcp://host:port`. */
  readonly url: string
  readonly tls?: TlsFiles | undefined
  /** `all`: those of this machine. */
  readonly gpus: 'all' | readonly NamedGpu[]
  /** Its owner keeps leases there from that machine and its networks by means of his own. */
  readonly fencedByOwner: boolean
}

const gpu = z.union([
  z.string().transform((uuid) => ({ uuid })),
  z.strictObject({
    uuid: z.string(),
    name: z.string().min(1).max(96).optional(),
    vramMiB: z
      .number()
      .int()
      .min(0)
      .max(2 ** 26)
      .optional(),
  }),
])

const schema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower case letters, digits and -'),
  url: z.string(),
  tls: z.strictObject({ ca: z.string(), cert: z.string(), key: z.string() }).optional(),
  gpus: z.union([z.literal('all'), z.array(gpu).max(16)]).optional(),
  fencedByOwner: z.boolean().default(false),
})

/**
 * The engines of a miner, each text one as JSON, or a list of them; `absolute` resolves the paths of their files.
 * @throws BAD_CONFIG saying which one is wrong, and why
 */
export function parseEngines(
  raws: readonly string[],
  absolute: (path: string) => string,
): readonly EngineConfig[] {
  const engines = raws.flatMap(parsedJson).map((value, at) => engineOf(value, at, absolute))
  if (engines.length > MAX_ENGINES) throw wrong(`at most ${MAX_ENGINES} engines`)
  requireDistinct(engines, 'name', ({ name }) => name)
  requireDistinct(engines, 'url', ({ url }) => url)
  requireOwnGpus(engines)
  return engines
}

function parsedJson(raw: string): unknown[] {
  try {
    const value: unknown = JSON.parse(raw)
    return Array.isArray(value) ? value : [value]
  } catch (cause) {
    throw wrong(`expected engines as JSON, got ${JSON.stringify(raw)}: ${messageOf(cause)}`)
  }
}

function engineOf(value: unknown, at: number, absolute: (path: string) => string): EngineConfig {
  const read = schema.safeParse(value)
  if (!read.success) {
    const { path, message } = read.error.issues[0]!
    throw wrong(`${nameOf(value, at)}${path.map((key) => `.${String(key)}`).join('')}: ${message}`)
  }
  const { name, url, tls, fencedByOwner } = read.data
  const where = `engine ${name}`
  const isLocal = requireAddress(where, url, tls)
  const gpus = read.data.gpus ?? (isLocal ? 'all' : [])
  if (gpus === 'all' && !isLocal) {
    throw wrong(`${where}: nobody here can look at its GPUs; list their UUIDs (nvidia-smi -L)`)
  }
  for (const { uuid } of gpus === 'all' ? [] : gpus) {
    if (/^(GPU|MIG)-[0-9A-Za-z/-]{1,88}$/.test(uuid)) continue
    throw wrong(`${where}: ${JSON.stringify(uuid)} is no UUID of a GPU (GPU-… or MIG-…)`)
  }
  if (tls === undefined) return { name, url, gpus, fencedByOwner }
  const [ca, cert, key] = [absolute(tls.ca), absolute(tls.cert), absolute(tls.key)]
  return { name, url, gpus, fencedByOwner, tls: { ca, cert, key } }
}

const nameOf = (value: unknown, at: number): string => {
  const { name } = (value ?? {}) as { name?: unknown }
  return typeof name === 'string' ? `engine ${name}` : `engine ${at + 1}`
}

/** Whether it is on this machine; throws for an address that is none, or that would be spoken to in the clear. */
function requireAddress(where: string, url: string, tls: TlsFiles | undefined): boolean {
  if (/^unix:\/\/\/./.test(url)) {
    if (tls === undefined) return true
    throw wrong(`${where}: a socket of this machine has no TLS`)
  }
  const isTcp = URL.canParse(url) && /^tcp:\/\/[^/?#@]+:\d{1,5}$/.test(url)
  if (!isTcp) throw wrong(`${where}: expected unix:///path or tcp://host:port, got ${url}`)
  if (tls !== undefined) return false
  // On loopback too: every user of that machine could take it over, and so the machine.
  throw wrong(
    `${where}: ${url} without tls: who reaches an engine's port has its machine; name ca, cert and key`,
  )
}

function requireDistinct(
  engines: readonly EngineConfig[],
  what: string,
  of: (engine: EngineConfig) => string,
): void {
  const seen = new Set<string>()
  for (const value of engines.map(of)) {
    if (seen.has(value)) throw wrong(`two engines have the ${what} ${value}`)
    seen.add(value)
  }
}

/** A GPU of two engines would be let twice. */
function requireOwnGpus(engines: readonly EngineConfig[]): void {
  const owners = new Map<string, string>()
  for (const { name, gpus } of engines) {
    for (const { uuid } of gpus === 'all' ? [] : gpus) {
      const other = owners.get(uuid)
      if (other !== undefined) throw wrong(`engines ${other} and ${name} both have ${uuid}`)
      owners.set(uuid, name)
    }
  }
  const all = engines.find(({ gpus }) => gpus === 'all')
  const other = engines.find((one) => one !== all && onThisMachine(one) && one.gpus.length > 0)
  if (all === undefined || other === undefined) return
  throw wrong(
    `engine ${all.name} has all GPUs of this machine, and ${other.name} some: list the UUIDs of each ("gpus")`,
  )
}

const onThisMachine = ({ tls }: EngineConfig): boolean => tls === undefined

const wrong = (message: string): NodeError => new NodeError('BAD_CONFIG', message)
