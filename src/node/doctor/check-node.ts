import { access, constants, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import type { Config } from '../config.ts'
import { dataFolder, holderOf } from '../data-folder.ts'
import { type Finding, finding } from './finding.ts'

/** Whether the data folder can be used, and is closed to others. */
export async function checkDataFolder(dataDir: string): Promise<Finding> {
  const { path, keyFile } = dataFolder(dataDir)
  const details = {
    required: true,
    wanted: 'a folder that this user can write and nobody else can read',
  }
  const mode = await modeOf(path)
  if (mode === undefined) {
    const parent = await writableParent(path)
    return finding('data-folder', parent, {
      ...details,
      actual: `${path} does not exist yet`,
      remedy: `choose another --data-dir, or correct the owner and mode of ${dirname(path)}`,
    })
  }
  const writable = await access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  const keyMode = (await modeOf(keyFile)) ?? 0
  const open = [...(mode & 0o077 ? [path] : []), ...(keyMode & 0o077 ? [keyFile] : [])]
  return finding('data-folder', writable && open.length === 0, {
    ...details,
    actual: writable
      ? open.length === 0
        ? path
        : `others may read ${open.join(' and ')}`
      : `${path} cannot be written`,
    remedy: writable
      ? `chmod go-rwx ${open.join(' ')}`
      : 'choose another --data-dir, or correct its owner and mode',
  })
}

const modeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ mode }) => mode,
    () => undefined,
  )

async function writableParent(path: string): Promise<boolean> {
  const parent = dirname(path)
  if (parent === path) return false
  if ((await modeOf(parent)) === undefined) return writableParent(parent)
  return access(parent, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** What a node does that knows nobody of its market. */
export const BOOTSTRAP_REMEDY =
  'name a node of the market: --bootstrap ADDR; a relay prints its address, status --json has it in addrs'

/** Whether a node is told whom to join its market through; a relay, and a local market's first node, need nobody. */
export function checkBootstrap({
  bootstrap,
  network,
  roles,
}: Pick<Config, 'bootstrap' | 'network' | 'roles'>): Finding[] {
  if (network === 'local' || roles.includes('relay')) return []
  return [
    finding('bootstrap', bootstrap.length > 0, {
      actual: bootstrap.length > 0 ? `${bootstrap.length} named` : 'nobody is named',
      wanted: 'a node of the market to join through',
      remedy: BOOTSTRAP_REMEDY,
    }),
  ]
}

/** Whether this node can listen where it is configured to; its own running node may. */
export async function checkPorts(listen: readonly string[], dataDir: string): Promise<Finding[]> {
  const holder = await holderOf(dataFolder(dataDir))
  return Promise.all(listen.flatMap((address) => checkPort(address, holder?.pid)))
}

function checkPort(address: string, ownNode: number | undefined): Promise<Finding>[] {
  const found = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address)
  if (found === null) return [] // a relay's address, which is no port of this machine
  const [, host = '', port = ''] = found
  return [
    bindable(host, Number(port)).then((problem) => portFinding(address, port, problem, ownNode)),
  ]
}

function portFinding(
  address: string,
  port: string,
  problem: string | undefined,
  ownNode: number | undefined,
): Finding {
  const own = problem === 'EADDRINUSE' && ownNode !== undefined
  const actual = own
    ? `${address} is used by this folder's node (process ${ownNode})`
    : problem === undefined
      ? `${address} is free`
      : `${address}: ${problem === 'EADDRINUSE' ? 'used by another program' : problem}`
  return finding(`port-${port}`, own || problem === undefined, {
    required: true,
    actual,
    wanted: 'free, and reachable from outside for all but renters',
    remedy: 'choose another --listen, or stop the program that has it',
  })
}

/** The system's word for why it cannot be listened on. */
function bindable(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}
