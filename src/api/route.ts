import type { z } from 'zod'

/** What a caller may do, each including those before it: look, spend and use leases, change the node. */
export const scopes = ['read', 'rent', 'operate'] as const
export type Scope = (typeof scopes)[number]

/**
 * How a route answers. json: one document. events: server-sent events. stream: bytes, either way. socket: a WebSocket.
 * frames: the connection upgraded to `compute-node-frames/1` (docs/api.md).
 */
export const routeKinds = ['json', 'events', 'stream', 'socket', 'frames'] as const
export type RouteKind = (typeof routeKinds)[number]

/** The text messages of a socket; binary ones are one channel byte and data. */
export interface SocketMessages {
  /** What the caller may send. */
  readonly toNode?: z.ZodType
  /** What the node sends; the last one of a socket that failed is `{"error":{code,message,next?}}`, closed with 1011. */
  readonly toCaller?: z.ZodType
  /** What the channel bytes mean, in words; absent where there are no binary messages. */
  readonly binary?: string
}

/**
 * The subprotocol that a browser asks for, since it hides why a socket was refused: the node accepts any socket then, and
 * tells by its first message whether it is served, `{"kind":"accepted"}`, or why not, `{"error":…}`.
 */
export const TOLD_PROTOCOL = 'compute-node-1'

/** One resource of the control API as it is declared: server, clients, OpenAPI and docs are made from this. */
export interface RouteDeclaration {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Segments that begin with a colon are parameters. */
  readonly path: `/${string}`
  /** The least a caller needs; `public` where nobody is asked who he is. */
  readonly scope: Scope | 'public'
  readonly kind: RouteKind
  /** One sentence, without a full stop. */
  readonly summary: string
  /** More of it: what it promises, which errors are its own. */
  readonly description?: string
  readonly params?: z.ZodType
  /** Of the query string, whose values are text. */
  readonly query?: z.ZodType
  /** JSON. */
  readonly body?: z.ZodType
  /** JSON in the query parameter `request`, of a socket or frames. */
  readonly request?: z.ZodType
  /** The document; of events, the data of one. */
  readonly answer?: z.ZodType
  readonly messages?: SocketMessages
  /** Of success; 200 where absent. */
  readonly status?: number
  /** True: the header `Idempotency-Key` is taken, and the same key with another request is refused. */
  readonly idempotent?: boolean
}

/** Declares a route and keeps its exact types. */
export const route = <const R extends RouteDeclaration>(declared: R): R => declared

/** A value that its receiver does not change. */
export type Fixed<T> = T extends readonly (infer Item)[]
  ? readonly Fixed<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: Fixed<T[K]> }
    : T

type SchemaOf<R, Part extends keyof RouteDeclaration> = R extends { readonly [P in Part]: infer S }
  ? S extends z.ZodType
    ? S
    : undefined
  : undefined

/** What a part of a request is once it was read, defaults filled in; undefined where the route takes none. */
export type Read<R, Part extends 'params' | 'query' | 'body' | 'request'> =
  SchemaOf<R, Part> extends z.ZodType ? z.output<SchemaOf<R, Part>> : undefined

/** What a caller writes for it, defaults left out. */
export type Written<R, Part extends 'params' | 'query' | 'body' | 'request'> =
  SchemaOf<R, Part> extends z.ZodType ? Fixed<z.input<SchemaOf<R, Part>>> : undefined

/** The document that a route answers with. */
export type AnswerOf<R> =
  SchemaOf<R, 'answer'> extends z.ZodType ? Fixed<z.output<SchemaOf<R, 'answer'>>> : undefined
