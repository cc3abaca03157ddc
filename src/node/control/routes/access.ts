import type { FastifyInstance, FastifyReply } from 'fastify'
import { accessRoutes } from '../../../api/access.ts'
import { NodeError } from '../../../errors.ts'
import type { Core } from '../../core.ts'
import { packageVersion } from '../../package-version.ts'
import { SESSION_MS } from '../access/access-book.ts'
import { callerOf, owner } from '../access/caller.ts'
import { SESSION_COOKIE, tooMany } from '../access/loopback-guard.ts'
import { addRoute, addStream } from '../add-route.ts'

/** Who may use this node: codes that sign a browser in, its session, tokens for programs, and the loopback port itself. */
export function accessRoute(
  app: FastifyInstance,
  { core }: { readonly core: Pick<Core, 'config' | 'net' | 'peerId'> },
): void {
  const { access, loopback } = app
  addStream(app, accessRoutes.login, async ({ query }, { raw, host }, reply) => {
    if (callerOf(raw) === owner || loopback.url === undefined) {
      throw new NodeError('NOTHING_MATCHED', 'signing in is for browsers, on the loopback port')
    }
    const at = new URL(`/login?code=${encodeURIComponent(query.code)}`, loopback.url)
    // Pages of forwarded ports open on `localhost`: the cookie is not theirs (docs/api.md).
    if (host !== at.host) return reply.redirect(at.href, 303)
    const site = raw.headers['sec-fetch-site']
    if (site !== undefined && site !== 'none' && site !== 'same-origin') {
      throw new NodeError('REFUSED_ORIGIN', 'another page may not sign you in')
    }
    const waitMs = access.attempts.codes.waitMs()
    if (waitMs > 0) throw tooMany(waitMs)
    const secret = await access.login(query.code)
    if (secret === undefined) {
      access.attempts.codes.failed()
      return sendPage(reply)
    }
    const cookie = `${SESSION_COOKIE}=${secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION_MS / 1000}`
    reply.header('set-cookie', cookie).header('cache-control', 'no-store')
    return reply.header('referrer-policy', 'no-referrer').redirect('/', 303)
  })
  addRoute(app, accessRoutes.makeLoginCode, ({ body, caller }) => {
    if (loopback.url === undefined) {
      throw new NodeError('REFUSED_NO_PORT', 'this node serves no loopback port', {
        next: 'POST /v1/listen, or start the node with --api-port 0',
      })
    }
    const { code, expiresAtMs } = access.createCode(body.scope, caller)
    return { code, url: `${loopback.url}/login?code=${code}`, expiresAtMs }
  })
  addRoute(app, accessRoutes.listen, async ({ body }) => ({ url: await loopback.open(body.port) }))
  addRoute(app, accessRoutes.getSession, ({ caller }) => ({
    scope: caller.scope,
    kind: caller.kind,
    expiresAtMs: caller.expiresAtMs,
    peerId: core.peerId,
    network: core.net.name,
    roles: core.config.roles,
    version: packageVersion(),
  }))
  addRoute(app, accessRoutes.endSession, async ({ caller }, reply) => {
    const { kind, id } = caller
    if (kind !== 'cookie' || id === undefined) return { ended: false }
    reply.header('set-cookie', `${SESSION_COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`)
    reply.raw.once('finish', () => void access.endSession(id).catch(() => undefined)) // else it would cut this answer
    return { ended: true }
  })
  addRoute(app, accessRoutes.createToken, ({ body, caller }) => access.createToken(body, caller))
  addRoute(app, accessRoutes.listTokens, () => ({ items: access.tokens() }))
  addRoute(app, accessRoutes.revokeToken, ({ params }) => access.revoke(params.id))
}

/** Without a script, and nothing in it comes from the request. */
const sendPage = (reply: FastifyReply): FastifyReply =>
  reply
    .code(401)
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('content-security-policy', "default-src 'none'")
    .serializer((page: unknown) => String(page))
    .send(
      '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in again</title>' +
        '<h1>This link is used up</h1><p>A sign-in link works once, within a minute. ' +
        'For a new one run <code>compute-node ui</code>.</p></html>',
    )
