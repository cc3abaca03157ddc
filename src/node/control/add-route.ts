import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { AnswerOf, Read, RouteDeclaration, Scope } from '../../api/route.ts'
import { NodeError } from '../../errors.ts'
import { silent } from '../../log.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { toJson } from '../output.ts'
import { type Caller, callerOf } from './access/caller.ts'
import { createIdempotency, type Idempotency } from './idempotency.ts'
import { parsed } from './parsed.ts'
import type { SocketHandler } from './web-sockets.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What is served of src/api. */
    readonly declared: Set<RouteDeclaration>
  }
  interface FastifyContextConfig {
    /** Whose request this is, in the words of src/api. */
    route?: RouteDeclaration
  }
}

type Declared<Kind extends RouteDeclaration['kind']> = RouteDeclaration & { readonly kind: Kind }

/** What came with a request, as its route declares it. */
export interface Asked<R> {
  readonly params: Read<R, 'params'>
  readonly query: Read<R, 'query'>
  readonly body: Read<R, 'body'>
  /** Of a caller that may ask twice for one thing. */
  readonly idempotencyKey: string | undefined
  readonly caller: Caller
  /** Aborts when the caller hangs up before it is answered. */
  readonly signal: AbortSignal
}

/** An answer before it is JSON: bytes become hex, and big numbers decimals. */
export type Served<T> = string extends T
  ? T | bigint | Uint8Array
  : T extends readonly (infer Item)[]
    ? readonly Served<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: Served<T[K]> }
      : T

type Answer<R> = Served<AnswerOf<R>>

/** Serves a declared route with what `handle` answers; what it throws is a problem. */
export function addRoute<const R extends Declared<'json'>>(
  app: FastifyInstance,
  declared: R,
  handle: (asked: Asked<R>, reply: FastifyReply) => Answer<R> | Promise<Answer<R>>,
): void {
  const keys = keysOf(app)
  serve(app, declared, async (request, reply) => {
    const asked = askedOf(declared, request, reply)
    const { idempotencyKey: key, body } = asked
    const work = () => handle(asked, reply)
    const isOnce = key !== undefined && declared.idempotent === true
    const answer = await (isOnce ? keys.once(key, { path: request.url, body }, work) : work())
    checkAnswer(declared, answer)
    return reply.code(declared.status ?? 200).send(answer)
  })
}

/** Serves declared events or bytes: `handle` writes the answer itself, and takes a body of bytes from `request.body`. */
export function addStream<const R extends Declared<'events' | 'stream'>>(
  app: FastifyInstance,
  declared: R,
  handle: (asked: Asked<R>, request: FastifyRequest, reply: FastifyReply) => unknown,
): void {
  serve(app, declared, async (request, reply) =>
    handle(askedOf(declared, request, reply), request, reply),
  )
}

/** What came with a request for a connection that is no longer HTTP. */
export interface AskedSocket<R> {
  readonly params: Read<R, 'params'>
  readonly query: Read<R, 'query'>
  readonly request: Read<R, 'request'>
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal
}

/** Serves a declared WebSocket (web-sockets.ts says what throwing does). */
export function addSocket<const R extends Declared<'socket'>>(
  app: FastifyInstance,
  declared: R,
  handle: (asked: AskedSocket<R>, accept: Parameters<SocketHandler>[1]) => Promise<void>,
): void {
  app.declared.add(declared)
  app.webSocket(
    declared.path,
    (request, accept) => handle(socketAsked(declared, request), accept),
    scopeOf(declared),
  )
}

/** Serves declared frames over a connection that is no longer HTTP. */
export function addFrames<const R extends Declared<'frames'>>(
  app: FastifyInstance,
  declared: R,
  handle: (asked: AskedSocket<R>, accept: () => Promise<FrameChannel>) => Promise<void>,
): void {
  app.declared.add(declared)
  app.frames(
    declared.path,
    (request, accept) => handle(socketAsked(declared, request), accept),
    scopeOf(declared),
  )
}

/** One memory of keys for all routes of a server. */
const memories = new WeakMap<FastifyInstance, Idempotency>()
function keysOf(app: FastifyInstance): Idempotency {
  const known = memories.get(app) ?? createIdempotency({ log: silent })
  memories.set(app, known)
  return known
}

/** Gives a server its memory of keys, before it gets routes; without, it forgets them when it ends. */
export const rememberKeys = (app: FastifyInstance, keys: Idempotency): void =>
  void memories.set(app, keys)

function serve(
  app: FastifyInstance,
  declared: RouteDeclaration,
  handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
): void {
  app.declared.add(declared)
  app.route({
    method: declared.method,
    url: declared.path,
    config: { route: declared },
    ...(declared.kind === 'stream' ? { bodyLimit: Number.MAX_SAFE_INTEGER } : {}),
    handler,
  })
}

function askedOf<R extends RouteDeclaration>(
  { params, query, body }: R,
  request: FastifyRequest,
  reply: FastifyReply,
): Asked<R> {
  const key = request.headers['idempotency-key']
  return {
    params: readPart(params, request.params),
    query: readPart(query, request.query),
    body: readPart(body, request.body ?? {}),
    idempotencyKey: typeof key === 'string' ? key : undefined,
    caller: callerOf(request.raw) ?? nobody,
    get signal() {
      return hungUp(reply)
    },
  } as Asked<R>
}

function socketAsked<R extends RouteDeclaration>(
  { params, query, request: wanted }: R,
  request: Parameters<SocketHandler>[0],
): AskedSocket<R> {
  return {
    params: readPart(params, request.params),
    query: readPart(query, Object.fromEntries(request.query)),
    request: wanted === undefined ? undefined : readRequest(wanted, request.query),
    signal: request.signal,
  } as AskedSocket<R>
}

/** Who asks for what is public may do nothing. */
const nobody: Caller = { kind: 'token', scope: 'read', expiresAtMs: null }

const scopeOf = ({ scope }: RouteDeclaration): Scope => (scope === 'public' ? 'read' : scope)

const readPart = (schema: z.ZodType | undefined, value: unknown): unknown =>
  schema === undefined ? undefined : parsed(schema, value)

/** The query parameter `request` of a socket, which is JSON. */
function readRequest(schema: z.ZodType, query: URLSearchParams): unknown {
  try {
    return schema.parse(JSON.parse(query.get('request') ?? '{}'))
  } catch (cause) {
    throw new NodeError(
      'BAD_CONFIG_VALUE',
      'the session request is malformed: see docs/leases.md',
      { cause },
    )
  }
}

/** Aborts when whoever asked hangs up before it was answered. */
function hungUp({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => {
    if (!raw.writableEnded) gone.abort(new NodeError('FAILED', 'whoever asked hung up'))
  })
  return gone.signal
}

const checks = process.env['CN_CHECK_ANSWERS'] === '1'

/** In tests each answer is held against its declaration, wherever it comes from. */
function checkAnswer({ answer, method, path }: RouteDeclaration, value: unknown): void {
  if (!checks || answer === undefined) return
  const found = answer.safeParse(JSON.parse(toJson(value)))
  if (found.success) return
  const { issues } = found.error
  throw new NodeError('FAILED_ANSWER', `${method} ${path} answers what it does not declare`, {
    issues,
  })
}
