import { readdir, readFile, readlink } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { NodeError } from '../errors.ts'
import { nothingListens } from './nothing-listens.ts'
import { type Mark, markedProcesses } from './process-table.ts'

const LISTENING = '0A'
/** In `/proc/net/tcp`: 127.0.0.1 and every address, of IPv4 and mapped into IPv6; `::1` of IPv6. */
const LOOPBACK: readonly (readonly [address: string, host: string])[] = [
  ['0100007F', '127.0.0.1'],
  ['00000000', '127.0.0.1'],
  ['0000000000000000FFFF00000100007F', '127.0.0.1'],
  ['00000000000000000000000000000000', '127.0.0.1'],
  ['00000000000000000000000001000000', '::1'],
]

/**
 * Connects to a loopback port that processes with this mark listen on, and to no other: what else listens on this
 * machine is not the lease's. Every listener of the port must be theirs, for several may share one.
 * @throws ENGINE_UNSUPPORTED where the system does not tell whose a port is
 */
export async function dialMarked(mark: Mark, port: number, signal?: AbortSignal): Promise<Duplex> {
  const listeners = await listenersOf(port)
  const own = await socketsOf(await markedProcesses(mark))
  signal?.throwIfAborted()
  const host = LOOPBACK.find(([address]) => listeners.some((one) => one.address === address))?.[1]
  if (host === undefined || !listeners.every(({ inode }) => own.has(inode))) {
    throw nothingListens(port)
  }
  return connected(host, port, signal)
}

interface Listener {
  readonly address: string
  readonly inode: string
}

async function listenersOf(port: number): Promise<Listener[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map(readTable))
  return tables.flat().flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address = '', hexPort = ''] = local.split(':')
    const fits = state === LISTENING && Number.parseInt(hexPort, 16) === port
    return fits ? [{ address, inode }] : []
  })
}

async function readTable(name: string): Promise<string[]> {
  try {
    return (await readFile(`/proc/net/${name}`, 'latin1')).split('\n').slice(1)
  } catch (cause) {
    if (name === 'tcp6') return [] // a kernel without IPv6
    throw new NodeError('ENGINE_UNSUPPORTED', 'this system does not tell whose a port is', {
      cause,
      next: 'use a Docker Engine: ports of plain processes are reached on Linux alone',
    })
  }
}

/** The inodes of all sockets that these processes hold. */
async function socketsOf(pids: readonly number[]): Promise<ReadonlySet<string>> {
  const held = await Promise.all(
    pids.map(async (pid) => {
      const files = await readdir(`/proc/${pid}/fd`).catch(() => []) // it has ended
      return Promise.all(files.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
    }),
  )
  return new Set(held.flat().flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []))
}

function connected(host: string, port: number, signal: AbortSignal | undefined): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const onAbort = (): void => {
      socket.destroy()
      reject(signal?.reason)
    }
    const onError = (): void => {
      signal?.removeEventListener('abort', onAbort)
      reject(nothingListens(port)) // it stopped listening meanwhile
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('error', onError)
    socket.once('connect', () => {
      socket.off('error', onError)
      signal?.removeEventListener('abort', onAbort)
      resolve(socket)
    })
  })
}
