import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** What the page's own addresses begin with (src/console/app/pages.tsx); each answers the page, which shows its part. */
export const consoleRoots = ['market', 'rent', 'leases', 'node', 'network', 'settings'] as const

/**
 * Everything comes from this node, and no script stands in the page. Styles may: the terminal and positioned widgets make
 * theirs at run time. Nobody may frame the page.
 */
const POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "worker-src 'self'", // transcripts are checked in one (src/console/recheck)
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Of the page's own files, for the workers among them: a worker follows the policy that its own file came with. The one that
 * checks transcripts compiles the kernels of the proof, which are WebAssembly, so that they and they alone may; what is
 * compiled can call nothing but what it is given. No file may ask the network for anything, or be a document.
 */
const FILE_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'"

const pageHeaders = {
  'content-security-policy': POLICY,
  'cache-control': 'no-store', // it names the newest assets
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
} as const

/** Whoever reaches the port may have these: the page holds nothing of the node, which asks who it is (src/api). */
const open = { config: { isPublic: true } } as const

/** Names carry a hash of the content. */
const kept = { cacheControl: true, maxAge: '1y', immutable: true } as const

/**
 * Serves the console of a folder at `/`: the page for `/` and its own addresses, its files by their exact names, and nothing else.
 * Where it was never built, the page says how.
 */
export function serveConsole(app: FastifyInstance, folder: string): void {
  const isBuilt = existsSync(join(folder, 'index.html'))
  if (isBuilt) {
    app.register(fastifyStatic, { root: folder, serve: false, cacheControl: false })
    const files = readdirSync(folder, { withFileTypes: true })
    for (const { name } of files.filter((file) => isServed(file.name) && file.isFile())) {
      app.get(`/${name}`, open, (_, reply) =>
        reply.header('cache-control', 'no-cache').sendFile(name),
      )
    }
    app.get<{ Params: { name: string } }>('/assets/:name', open, (request, reply) =>
      reply
        .header('x-content-type-options', 'nosniff')
        .header('content-security-policy', FILE_POLICY)
        .sendFile(request.params.name, join(folder, 'assets'), kept),
    )
  }
  for (const path of ['/', ...consoleRoots.flatMap((root) => [`/${root}`, `/${root}/*`])]) {
    app.get(path, open, (_, reply) => {
      reply.headers(pageHeaders)
      if (isBuilt) return reply.sendFile('index.html')
      return reply
        .code(503)
        .type('text/html; charset=utf-8')
        .serializer((page: unknown) => String(page))
        .send(NOT_BUILT)
    })
  }
}

const isServed = (name: string): boolean => !name.startsWith('.') && name !== 'index.html'

const NOT_BUILT =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>compute-node</title>' +
  '<h1>The console is not built</h1><p>In a checkout: <code>npm run build:console</code>, then load this page again. ' +
  'The command line and the API work without it.</p></html>'
