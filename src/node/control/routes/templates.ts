import type { FastifyInstance } from 'fastify'
import { templateRoutes } from '../../../api/templates.ts'
import { listTemplates } from '../../templates.ts'
import { addRoute } from '../add-route.ts'

/** The templates that come with the program. */
export function templatesRoute(app: FastifyInstance): void {
  addRoute(app, templateRoutes.listTemplates, async () => ({ items: await listTemplates() }))
}
