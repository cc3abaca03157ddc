import { hash } from 'node:crypto'
import type { openApiOf } from '../../api/open-api.ts'

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}' +
  'code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid #8884}' +
  'summary{cursor:pointer;padding:.35rem 0}summary code{font-weight:600}'

/** Nothing but this style is taken from anywhere. */
export const DOCS_POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`

const escaped = (text: unknown): string =>
  String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** The document as one page without a script, readable offline. */
export function docsPage(document: ReturnType<typeof openApiOf>): string {
  const parts = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(method, path, operation)),
  )
  const shapes = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `<details id="${escaped(name)}"><summary><code>${escaped(name)}</code></summary>${json(schema)}</details>`,
  )
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width"><title>compute-node control API</title>',
    `<style>${STYLE}</style><h1>compute-node control API</h1>`,
    '<p>The same as a document for programs: <a href="/openapi.json">openapi.json</a>.</p>',
    `<h2>Resources</h2>${parts.join('')}<h2>Shapes</h2>${shapes.join('')}</html>`,
  ].join('')
}

function section(method: string, path: string, operation: unknown): string {
  const { summary, description, ...rest } = operation as Record<string, unknown>
  const scope = escaped(rest['x-scope'])
  const head = `<code>${method.toUpperCase()} ${escaped(path)}</code> ${escaped(summary)} <small>(${scope})</small>`
  const text = description === undefined ? '' : `<p>${escaped(description)}</p>`
  return `<details><summary>${head}</summary>${text}${json(rest)}</details>`
}

const json = (value: unknown): string => `<pre>${escaped(JSON.stringify(value, null, 2))}</pre>`
