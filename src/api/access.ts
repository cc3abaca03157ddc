import { z } from 'zod'
import { listOf, peerId, whole } from './common.ts'
import { route, scopes } from './route.ts'

const scope = z.enum(scopes).describe('read, rent or operate, each including those before it')
const DAY_MS = 86_400_000

/** A token as it is listed: never the secret itself. */
export const accessToken = z
  .strictObject({
    id: z.string(),
    label: z.string(),
    scope,
    createdAtMs: whole.describe('unix ms'),
    expiresAtMs: whole.nullable().describe('unix ms; null: it stands until it is revoked'),
    madeBy: z
      .string()
      .nullable()
      .describe('id of the token that made it, with which it ends; null: the owner did'),
  })
  .meta({ id: 'AccessToken', description: 'Who may ask this node for what, until when' })
export type AccessToken = z.infer<typeof accessToken>

/** A token as it is made: the one time that its secret is shown. */
export const madeToken = accessToken.extend({
  token: z.string().describe('the secret, for `Authorization: Bearer …`; it is shown this once'),
})
export type MadeToken = z.infer<typeof madeToken>

export const accessRoutes = {
  login: route({
    method: 'GET',
    path: '/login',
    scope: 'public',
    kind: 'stream',
    summary: 'Turns a login code into the cookie `cn_session`, and leads on to `/`',
    description:
      'On loopback only. 401 with a page for a code that is used, unknown or expired; 429 after many such.',
    query: z.object({ code: z.string().max(256).default('') }),
  }),
  makeLoginCode: route({
    method: 'POST',
    path: '/v1/login-codes',
    scope: 'operate',
    kind: 'json',
    summary: 'A link that signs one browser in, once, within 60 seconds',
    description:
      'REFUSED_NO_PORT when the node serves no loopback port: `POST /v1/listen` first. The session of a code that a token made ends with that token.',
    body: z.strictObject({ scope: scope.default('operate') }),
    answer: z.strictObject({
      code: z.string(),
      url: z.string().describe('for the browser'),
      expiresAtMs: whole.describe('unix ms'),
    }),
  }),
  listen: route({
    method: 'POST',
    path: '/v1/listen',
    scope: 'operate',
    kind: 'json',
    summary: 'Serves this API on 127.0.0.1 too, where it is not yet',
    body: z.strictObject({
      port: z.int().min(0).max(65_535).default(0).describe('0 picks a free one'),
    }),
    answer: z.strictObject({ url: z.string().describe('`http://127.0.0.1:PORT`') }),
  }),
  getSession: route({
    method: 'GET',
    path: '/v1/session',
    scope: 'read',
    kind: 'json',
    summary: 'Who asks, what he may do, and whose node this is',
    answer: z.strictObject({
      scope,
      kind: z
        .enum(['owner', 'token', 'cookie'])
        .describe('owner: through the unix socket of the data folder'),
      expiresAtMs: whole.nullable().describe('unix ms; null: no end is set'),
      peerId,
      network: z.string().describe("the market's name on the wire"),
      roles: z.array(z.string()),
      version: z.string(),
    }),
  }),
  endSession: route({
    method: 'POST',
    path: '/v1/session/end',
    scope: 'read',
    kind: 'json',
    summary: 'Signs this browser out; without a cookie nothing changes',
    answer: z.strictObject({ ended: z.boolean().describe('whether there was a cookie to end') }),
  }),
  createToken: route({
    method: 'POST',
    path: '/v1/tokens',
    scope: 'operate',
    kind: 'json',
    summary: 'A token for a program',
    description:
      'One that a token makes ends with it, and at its end at the latest: REFUSED_TOKEN_LIFE for a longer time.',
    status: 201,
    body: z.strictObject({
      label: z.string().min(1).max(64).describe('what you call it by'),
      scope,
      ttlMs: z
        .int()
        .min(1000)
        .max(3650 * DAY_MS)
        .optional()
        .describe('how long it stands; absent: until it is revoked, or until its maker ends'),
    }),
    answer: madeToken,
  }),
  listTokens: route({
    method: 'GET',
    path: '/v1/tokens',
    scope: 'operate',
    kind: 'json',
    summary: 'Tokens that stand, newest first',
    answer: listOf(accessToken),
  }),
  revokeToken: route({
    method: 'POST',
    path: '/v1/tokens/:id/revoke',
    scope: 'operate',
    kind: 'json',
    summary:
      'Ends a token at once, and with it whatever it made and whatever streams and sockets it opened',
    params: z.object({ id: z.string().max(64).describe('of the token, or its label') }),
    answer: accessToken,
  }),
}
