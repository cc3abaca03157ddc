import { z } from 'zod'
import { problem } from './problem.ts'
import type { RouteDeclaration } from './route.ts'

type Json = Readonly<Record<string, unknown>>

/** An OpenAPI 3.1 document of routes by their names; shapes with a name stand under `components`. */
export function openApiOf(routes: Readonly<Record<string, RouteDeclaration>>, version: string) {
  const schemas: Record<string, unknown> = {}
  const shape = shaper(schemas)
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [name, route] of Object.entries(routes)) {
    const path = route.path.replace(/:([A-Za-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route, shape) }
  }
  shape(problem, 'output')
  return {
    openapi: '3.1.0',
    info: {
      title: 'compute-node control API',
      version,
      description: 'What one node answers to its owner (docs/api.md).',
    },
    servers: [{ url: 'http://127.0.0.1:{port}', variables: { port: { default: '8080' } } }],
    security: [{ token: [] }, { cookie: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'cn_session' },
      },
    },
  }
}

type Shape = (schema: z.ZodType, io: 'input' | 'output') => Json

/** JSON schemas whose named parts move into `schemas`. */
function shaper(schemas: Record<string, unknown>): Shape {
  return (schema, io) => {
    const {
      $schema: _,
      $defs = {},
      ...json
    } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
    for (const [id, named] of Object.entries($defs)) schemas[id] = moved(named)
    const { id } = z.globalRegistry.get(schema) ?? {}
    if (id === undefined) return moved(json) as Json
    // One that stands among `$defs` is only referred to here.
    if (!Object.hasOwn($defs, id)) schemas[id] = moved(json)
    return { $ref: `#/components/schemas/${id}` }
  }
}

/** References to where named parts stand now. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, field]) => key !== 'id' || typeof field !== 'string')
      .map(([key, field]) => [
        key,
        key === '$ref' ? String(field).replace('#/$defs/', '#/components/schemas/') : moved(field),
      ]),
  )
}

function operation(name: string, route: RouteDeclaration, shape: Shape): Json {
  const { summary, description, scope, kind, body, messages, idempotent } = route
  return {
    operationId: name,
    summary,
    ...(description === undefined ? {} : { description }),
    'x-scope': scope,
    'x-kind': kind,
    ...(scope === 'public' ? { security: [] } : {}),
    parameters: [
      ...parameters(route.params, 'path', shape),
      ...parameters(route.query, 'query', shape),
      ...requestParameter(route, shape),
      ...(idempotent === true ? [idempotencyKey] : []),
    ],
    ...(body === undefined ? {} : { requestBody: content(shape(body, 'input')) }),
    responses: {
      ...success(route, shape),
      default: {
        description: 'Why it was not served',
        ...content({ $ref: '#/components/schemas/Problem' }, 'application/problem+json'),
      },
    },
    ...(messages === undefined
      ? {}
      : {
          'x-messages': {
            ...(messages.toNode === undefined ? {} : { toNode: shape(messages.toNode, 'input') }),
            ...(messages.toCaller === undefined
              ? {}
              : { toCaller: shape(messages.toCaller, 'output') }),
            ...(messages.binary === undefined ? {} : { binary: messages.binary }),
          },
        }),
  }
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Repeated under the same key, it is done once; another request under it is 422.',
  schema: { type: 'string', maxLength: 128 },
}

const content = (schema: Json, type = 'application/json'): Json => ({
  content: { [type]: { schema } },
})

function parameters(schema: z.ZodType | undefined, place: string, shape: Shape): Json[] {
  if (!(schema instanceof z.ZodObject)) return []
  const { required = [] } = shape(schema, 'input') as { required?: readonly string[] }
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: shape(field, 'output'),
  }))
}

function requestParameter({ request }: RouteDeclaration, shape: Shape): Json[] {
  if (request === undefined) return []
  return [{ name: 'request', in: 'query', ...content(shape(request, 'input')) }]
}

const upgraded: Readonly<Record<string, string>> = {
  socket: 'A WebSocket; `x-messages` says what goes over it',
  frames: 'The connection, upgraded to `compute-node-frames/1`',
}

function success({ kind, status = 200, answer }: RouteDeclaration, shape: Shape): Json {
  const description = upgraded[kind]
  if (description !== undefined) return { 101: { description } }
  if (answer === undefined) return { [status]: { description: 'Done' } }
  const type = kind === 'events' ? 'text/event-stream' : 'application/json'
  return { [status]: { description: 'Done', ...content(shape(answer, 'output'), type) } }
}
