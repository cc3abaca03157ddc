import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { arch, cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { dockerFacts } from '../../containers/docker-facts.ts'
import { type TarEntry, tar } from '../../containers/tar.ts'
import { messageOf, NodeError } from '../../errors.ts'
import type { Config } from '../config.ts'
import { type ControlClient, createControlClient } from '../control/client.ts'
import { controlSocketPath } from '../data-folder.ts'
import type { NodeEvent } from '../events.ts'
import { packageVersion } from '../package-version.ts'
import type { Finding } from './finding.ts'
import { redact, redactText } from './redact.ts'

const ASK_MS = 5_000
/** The recent events come at once; more are not waited for. */
const EVENTS_MS = 1_000
const LOG_LINES = 2_000

/** What a support needs to know of a node; each part is made of what it names, and never of files in the data folder. */
interface Part {
  readonly name: string
  readonly make: () => unknown
}

/**
 * Writes an archive (tar.gz, mode 0600) for whoever helps: versions, the configuration, what doctor found, and of a running
 * node its status, newest events, metrics and log. Keys, tokens, passwords, logins and variables are not in it,
 * and what looks like one is blanked out. A part that cannot be had says why.
 * @throws BAD_CONFIG_FILE when there is such a file, or it cannot be written
 */
export async function makeBundle(
  file: string,
  config: Config,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  using client = createControlClient(await controlSocketPath(config.dataDir))
  const entries: TarEntry[] = []
  for (const { name, make } of parts(client, config, findings, signal)) {
    const made = await (async () => make())().catch((error: unknown) => ({
      absent: messageOf(error),
    }))
    entries.push({ path: `compute-node/${name}`, mode: 0o600, type: 'file', data: bytesOf(made) })
  }
  await writeFile(file, gzipSync(tar(entries)), { mode: 0o600, flag: 'wx' }).catch((cause) => {
    throw new NodeError('BAD_CONFIG_FILE', `cannot write ${file}: ${messageOf(cause)}`, {
      cause,
      next: 'name a file that is not there yet, in a folder that is',
    })
  })
  return entries.map(({ path }) => path)
}

const bytesOf = (made: unknown): Buffer =>
  Buffer.from(
    typeof made === 'string' ? redactText(made) : `${JSON.stringify(redact(made), null, 2)}\n`,
  )

function parts(
  client: ControlClient,
  config: Config,
  findings: readonly Finding[],
  signal: AbortSignal,
): readonly Part[] {
  const until = (ms: number): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ms)])
  const status = () => client.get<{ pid: number }>('/v1/status', until(ASK_MS))
  return [
    { name: 'versions.json', make: versions },
    { name: 'config.json', make: () => config },
    { name: 'doctor.json', make: () => findings },
    { name: 'engine.json', make: () => dockerFacts(ASK_MS, signal) },
    { name: 'status.json', make: status },
    { name: 'events.json', make: () => recentEvents(client, until(EVENTS_MS)) },
    { name: 'metrics.txt', make: () => client.text('/metrics', until(ASK_MS)) },
    { name: 'log.txt', make: async () => journalOf((await status()).pid) },
  ]
}

const versions = () => ({
  program: packageVersion(),
  node: process.versions.node,
  libraries: process.versions,
  kernel: release(),
  machine: arch(),
  processor: cpus()[0]?.model ?? 'unknown',
  memoryBytes: totalmem(),
})

async function recentEvents(client: ControlClient, signal: AbortSignal): Promise<NodeEvent[]> {
  const found: NodeEvent[] = []
  for await (const event of client.events(signal)) found.push(event)
  return found
}

/** The log of a node that runs as a service; whoever starts it by hand has it on a terminal. */
async function journalOf(pid: number): Promise<string> {
  const args = [`_PID=${pid}`, '--no-pager', '--output=cat', `--lines=${LOG_LINES}`]
  return (await promisify(execFile)('journalctl', args, { timeout: ASK_MS, maxBuffer: 2 ** 26 }))
    .stdout
}
