import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig, type ProxyOptions } from 'vite'

const here = dirname(fileURLToPath(import.meta.url))

/**
 * Builds the console to `dist/console`; `npm run dev:console` serves it from its sources instead, in front of the node
 * whose loopback port and data folder `COMPUTE_NODE_API` and `COMPUTE_NODE_DATA_DIR` name (docs/console.md).
 */
export default defineConfig({
  root: join(here, 'src/console'),
  plugins: [react()],
  build: {
    outDir: join(here, 'dist/console'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false }, // it would be an inline script, which the page's policy refuses
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  server: { proxy: { '/v1': proxied() } },
})

/** Every request to the API goes to the node as if it came from a program with its token. */
function proxied(): ProxyOptions {
  const target = process.env['COMPUTE_NODE_API'] ?? 'http://127.0.0.1:9000'
  const tokenFile = join(process.env['COMPUTE_NODE_DATA_DIR'] ?? '.devnet/renter', 'control.token')
  return {
    target,
    changeOrigin: true,
    ws: true,
    configure(proxy) {
      const enter = (request: { setHeader(name: string, value: string): void }): void => {
        request.setHeader('origin', target)
        if (!existsSync(tokenFile)) return
        request.setHeader('authorization', `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`)
      }
      proxy.on('proxyReq', enter)
      proxy.on('proxyReqWs', enter)
    },
  }
}
