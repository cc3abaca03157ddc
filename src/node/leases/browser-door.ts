import { KiB } from '../../units.ts'

/** Browsers send a request's head at once, and no larger one. */
const HEAD_BYTES = 64 * KiB

/**
 * What to answer instead of the lease when a browser asks for a forwarded port as `127.0.0.1`: the same address on
 * `localhost`; undefined for everything else. A browser shows its cookies of 127.0.0.1 to all ports of it, and one of
 * them is the key to this node (docs/api.md): no page of a lease may stand there. What follows on a connection is for
 * the same place as its first request.
 * @param first what the client said first
 */
export function elsewhere(first: Uint8Array): string | undefined {
  const text = Buffer.from(first.subarray(0, HEAD_BYTES)).toString('latin1')
  const target = /^[A-Z]+ (\S+) HTTP\/1\.[01]\r\n/.exec(text)?.[1]
  const host = /\r\nhost: *127\.0\.0\.1(:\d+)? *\r\n/i.exec(text)
  // Programs may ask there: they send none of these. Node's fetch sends `Sec-Fetch-Mode`, as browsers do.
  const isBrowser = /\r\n(sec-fetch-(site|dest):|cookie:[^\r]*cn_session=)/i.test(text)
  if (target === undefined || host === null || !isBrowser) return undefined
  const location = `http://localhost${host[1] ?? ''}${target.startsWith('/') ? target : '/'}`
  return `HTTP/1.1 307 Temporary Redirect\r\nLocation: ${location}\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
}
