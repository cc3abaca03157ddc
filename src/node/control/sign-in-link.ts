import type { ControlClient } from './client.ts'

/** The way into a node's console. */
export interface SignInLink {
  /** Signs one browser in, once, until `expiresAtMs`. */
  readonly url: string
  readonly expiresAtMs: number
  /** The console's own address, for a browser that is signed in. */
  readonly console: string
}

/** A fresh link into the console of a running node, which opens a loopback port for it where it has none. */
export async function signInLink(
  client: Pick<ControlClient, 'post'>,
  port = 0,
  signal?: AbortSignal,
): Promise<SignInLink> {
  const { url: console } = await client.post<{ url: string }>('/v1/listen', { port }, signal)
  const code = await client.post<{ url: string; expiresAtMs: number }>(
    '/v1/login-codes',
    {},
    signal,
  )
  return { url: code.url, expiresAtMs: code.expiresAtMs, console }
}
