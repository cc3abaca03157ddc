import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

/** What a program printed, and how it ended. */
export async function outcomeOf(child: ChildProcess) {
  const closed = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  const [code] = (await closed) as [number | null]
  return { code, out, err }
}

/** What a web server says through a SOCKS5 proxy (RFC 1928), by a host's name; nothing where the proxy closes. */
export async function throughSocks(proxy: number, name: string, port: number): Promise<string> {
  const socket = connect(proxy, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => undefined) // its text ends then
  socket.write(Uint8Array.of(5, 1, 0))
  await once(socket, 'data')
  const host = Buffer.from(name)
  socket.write(
    Buffer.concat([
      Buffer.from([5, 1, 0, 3, host.length]),
      host,
      Buffer.from([port >> 8, port & 255]),
    ]),
  )
  const closed = once(socket, 'close').then(() => [])
  const [reply] = (await Promise.race([once(socket, 'data'), closed])) as [Buffer?]
  if (reply === undefined) return ''
  socket.write('GET /page HTTP/1.0\r\n\r\n')
  return text(socket)
}
