import type { NodeStatus } from '../../api/status.ts'
import { createBeacon, QUICKNET, roundAt } from '../../beacon.ts'
import { fetchRound, QUICKNET_CHAIN_HASH } from '../../chain/drand.ts'
import { messageOf } from '../../errors.ts'
import type { Config } from '../config.ts'
import { createControlClient } from '../control/client.ts'
import { controlSocketPath } from '../data-folder.ts'
import { type Finding, finding } from './finding.ts'

const TIMEOUT_MS = 5_000
/** Rounds of 3 s without any pulse after which a node hears none. */
const SILENT_ROUNDS = 10

/** Whether pulses of the public beacon arrive: at this folder's node when it runs, else here and now. */
export async function checkPulses(
  { network, roles, drand, dataDir }: Pick<Config, 'network' | 'roles' | 'drand' | 'dataDir'>,
  signal: AbortSignal,
): Promise<Finding[]> {
  const needed = roles.length === 0 || roles.some((role) => role !== 'renter')
  // A local market's chain is its own beacon.
  if (network === 'local' || !needed) return []
  const pulse = await heardByNode(dataDir, signal)
  const found = pulse === undefined ? await askServers(drand, signal) : ofNode(pulse)
  const wanted = "the public beacon's pulses, from its servers or from other nodes"
  const remedy = 'let this machine reach a server of drand over HTTPS, and name it with --drand'
  return [finding('pulses', found.ok, { actual: found.actual, wanted, remedy })]
}

interface Found {
  readonly ok: boolean
  readonly actual: string
}

/** What the running node last heard: null for nothing, undefined where none runs or carries pulses. */
async function heardByNode(dataDir: string, signal: AbortSignal) {
  using client = createControlClient(await controlSocketPath(dataDir))
  try {
    const { pulse } = await client.get<NodeStatus>('/v1/status', signal)
    return pulse ?? undefined
  } catch {
    return undefined // none runs, or an older one: the servers are asked instead
  }
}

function ofNode({ round, clock }: NonNullable<NodeStatus['pulse']>): Found {
  const behind = roundAt(QUICKNET, Date.now()) - round
  const late = behind > SILENT_ROUNDS
  const fault = clock === null ? '' : `; this machine's clock is ${clock}`
  const actual = late
    ? `the running node heard the last one ${behind} rounds ago`
    : `round ${round} at the running node${fault}`
  return { ok: !late && clock === null, actual }
}

async function askServers(urls: readonly string[], signal: AbortSignal): Promise<Found> {
  if (urls.length === 0) return { ok: false, actual: 'no server is asked (--drand is empty)' }
  const round = roundAt(QUICKNET, Date.now()) - 1
  const told = await Promise.all(urls.map((url) => ask(url, round, signal)))
  const faults = told.filter((fault) => fault !== null)
  const good = told.length - faults.length
  const actual =
    good > 0
      ? `round ${round} from ${good} of ${urls.length} servers, verified`
      : (faults[0] ?? 'nothing')
  return { ok: good > 0, actual }
}

/** What is wrong with a server, or null. */
async function ask(url: string, round: number, signal: AbortSignal): Promise<string | null> {
  try {
    const asked = { url, chainHash: QUICKNET_CHAIN_HASH, round, timeoutMs: TIMEOUT_MS }
    const signature = await fetchRound(asked, signal)
    const pulse = createBeacon(QUICKNET).verify(round, signature)
    return pulse === null ? `${url} tells false pulses` : null
  } catch (error) {
    return messageOf(error)
  }
}
