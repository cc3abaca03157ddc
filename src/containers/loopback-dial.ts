import { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { execIn } from './docker-exec.ts'
import type { Exec } from './engine.ts'
import { nothingListens } from './nothing-listens.ts'
import { TOOLBOX_BUSYBOX, type Tool } from './toolbox.ts'

/**
 * $1 port. Looks for a listener first, because nc(1) does not say whether it got through, and a connection on trial
 * would be one more for the service. Says 1 and becomes nc, or ends with 1. Addresses are those of /proc/net/tcp: hex,
 * bytes of an IPv4 address in reverse; a listener on all addresses of IPv6 takes IPv4 too.
 */
const SCRIPT = `
port=$(printf %04X "$1")
for table in /proc/net/tcp /proc/net/tcp6; do
  [ -r $table ] || continue
  while read -r _ local _ state _ <&3; do
    [ "$state" = 0A ] && [ "\${local##*:}" = "$port" ] || continue
    a=\${local%:*}
    case $a in
      00000000|00000000000000000000000000000000) to=127.0.0.1 ;;
      00000000000000000000000001000000) to=::1 ;;
      0000000000000000FFFF0000????????) a=\${a:24} ;;
      ????????) ;;
      *) continue ;;
    esac
    [ "$to" ] || to=$(printf %d.%d.%d.%d 0x\${a:6:2} 0x\${a:4:2} 0x\${a:2:2} 0x\${a:0:2})
    printf 1
    exec ${TOOLBOX_BUSYBOX} nc "$to" "$1" 3<&-
  done 3<$table
done
exit 1`

/** Connects from inside the container, so that loopback is the container's own (notes/containers.md §5). */
export async function dialLoopback(
  container: Docker.Container,
  tools: readonly Tool[],
  port: number,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  if (!tools.includes('busybox')) throw nothingListens(port, 'there are no tools to look inside')
  const exec = await execIn(
    container,
    [TOOLBOX_BUSYBOX, 'sh', '-c', SCRIPT, 'sh', String(port)],
    {},
  )
  exec.stderr.resume()
  exec.stdin.on('error', () => undefined) // nc ended: the output's end says so
  const early = await firstChunk(exec, signal)
  if (early === undefined) throw await whyNot(exec, port)
  return duplexOf(exec, early.subarray(1))
}

/** What the script says first; undefined when it ends without. */
async function firstChunk(
  exec: Exec,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  const onData = (chunk: Buffer): void => {
    exec.stdout.pause()
    resolve(chunk)
  }
  const onEnd = (): void => resolve(undefined)
  const onAbort = (): void => reject(signal?.reason)
  exec.stdout.once('data', onData).once('end', onEnd).once('error', reject)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  try {
    return await promise
  } catch (error) {
    await exec.kill()
    throw error
  } finally {
    exec.stdout.off('data', onData).off('end', onEnd).off('error', reject)
    signal?.removeEventListener('abort', onAbort)
  }
}

async function whyNot(exec: Exec, port: number): Promise<NodeError> {
  const code = await exec.exitCode
  if (code === 1) return nothingListens(port)
  return new NodeError(
    'ENGINE_FAILED',
    `the tools in the container do not work (exit code ${code})`,
    {
      next: 'the host of the lease: compute-node doctor --role miner',
    },
  )
}

/** A command's input and output as one stream; destroying it before the command has ended kills that. */
function duplexOf(exec: Exec, early: Buffer): Duplex {
  const { stdin, stdout } = exec
  let ended = false
  const duplex = new Duplex({
    read: () => void stdout.resume(),
    write: (chunk: Buffer, _, done) => void stdin.write(chunk, done),
    final: (done) => void stdin.end(done),
    destroy(error, done) {
      const killed = ended ? Promise.resolve() : exec.kill()
      stdin.destroy()
      stdout.destroy()
      killed.then(() => done(error), done)
    },
  })
  if (early.length > 0) duplex.push(early)
  stdout.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) stdout.pause()
  })
  stdout.once('end', () => {
    ended = true
    duplex.push(null)
  })
  stdout.once('error', (error) => duplex.destroy(error))
  return duplex
}
