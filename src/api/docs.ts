import { z } from 'zod'
import { route } from './route.ts'

export const docsRoutes = {
  getOpenApi: route({
    method: 'GET',
    path: '/openapi.json',
    scope: 'public',
    kind: 'json',
    summary: 'This API as an OpenAPI 3.1 document',
    answer: z.looseObject({ openapi: z.string() }),
  }),
  getDocs: route({
    method: 'GET',
    path: '/docs',
    scope: 'public',
    kind: 'stream',
    summary: 'This API as a page to read',
  }),
}
