import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { serveConsole } from '../serve-console.ts'

/** What `npm run build:console` makes, seen from src/ as from dist/. */
const builtFolder = join(import.meta.dirname, '../../../../dist/console')

/** `GET /`, the console's own addresses and its files. */
export const consoleRoute = (app: FastifyInstance): void => serveConsole(app, builtFolder)
