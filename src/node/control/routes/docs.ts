import type { FastifyInstance } from 'fastify'
import { docsRoutes } from '../../../api/docs.ts'
import { openApiOf } from '../../../api/open-api.ts'
import { apiRoutes } from '../../../api/table.ts'
import { packageVersion } from '../../package-version.ts'
import { addRoute, addStream } from '../add-route.ts'
import { DOCS_POLICY, docsPage } from '../docs-page.ts'

/** `GET /openapi.json` and `GET /docs`: what this API is, for programs and for people. */
export function docsRoute(app: FastifyInstance): void {
  addRoute(app, docsRoutes.getOpenApi, () => openApiOf(apiRoutes, packageVersion()))
  addStream(app, docsRoutes.getDocs, (_, __, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', DOCS_POLICY)
      .serializer((page: unknown) => String(page))
      .send(docsPage(openApiOf(apiRoutes, packageVersion()))),
  )
}
