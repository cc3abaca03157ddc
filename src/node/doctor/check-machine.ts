import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { GiB, MiB } from '../../units.ts'
import { type Finding, finding } from './finding.ts'

const MIN_NODE = 24
/** A validator with its chain connection stays below 420 MiB; a lease or a proof comes on top. */
const MIN_MEMORY_BYTES = 512 * MiB
const MIN_DISK_BYTES = 2 * GiB
const PROGRAM_TIMEOUT_MS = 5_000

/** The Node that runs this program. */
export function checkNode(version = process.versions.node): Finding {
  return finding('node', Number(version.split('.')[0]) >= MIN_NODE, {
    required: true,
    actual: `Node ${version}`,
    wanted: `Node ${MIN_NODE} or newer`,
    remedy: 'npm rebuild node, or install Node 24 (https://nodejs.org)',
  })
}

/** Memory that a process could get now, on Linux as the kernel estimates it. */
export function checkMemory(
  availableBytes = Math.max(process.availableMemory(), freemem()),
): Finding {
  return finding('memory', availableBytes >= MIN_MEMORY_BYTES, {
    required: true,
    actual: `${inGiB(availableBytes)} free of ${inGiB(totalmem())}, ${availableParallelism()} cores`,
    wanted: `${inGiB(MIN_MEMORY_BYTES)} free, and what leases use`,
    remedy: 'close other programs, or add memory',
  })
}

/** Space where the data folder is, or will be. */
export async function checkDisk(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestFolder(dataDir))
  const free = bavail * bsize
  return finding('disk', free >= MIN_DISK_BYTES, {
    required: true,
    actual: `${inGiB(free)} free for ${dataDir}`,
    wanted: `${inGiB(MIN_DISK_BYTES)} free`,
    remedy: 'free disk space, or choose another --data-dir',
  })
}

/** A folder that does not exist yet lies on the disk of its nearest existing parent. */
async function nearestFolder(path: string): Promise<string> {
  try {
    await statfs(path)
    return path
  } catch (error) {
    const parent = dirname(path)
    if (parent === path) throw error
    return nearestFolder(parent)
  }
}

/** Whether the system says that its clock follows others; peers refuse messages from the future. */
export async function checkClock(
  read: () => Promise<string | undefined> = synchronized,
): Promise<Finding> {
  const said = await read()
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  return finding('clock', said !== 'no', {
    actual:
      said === 'yes'
        ? `${now}, synchronized`
        : said === 'no'
          ? `${now}, not synchronized`
          : `${now}, nobody here says whether it is right`,
    wanted: 'right within 30 s',
    remedy: 'timedatectl set-ntp true, or install chrony',
  })
}

/** `yes`, `no`, or undefined where the system has nobody to ask. */
async function synchronized(): Promise<string | undefined> {
  const args = ['show', '--property=NTPSynchronized', '--value']
  try {
    const { stdout } = await promisify(execFile)('timedatectl', args, {
      timeout: PROGRAM_TIMEOUT_MS,
    })
    return stdout.trim() === '' ? undefined : stdout.trim()
  } catch {
    return undefined // no systemd here
  }
}

const inGiB = (bytes: number): string => `${(bytes / GiB).toFixed(1)} GiB`
