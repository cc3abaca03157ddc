/** Writes the reference pages that are made from the program's own tables: `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openApiOf } from '../src/api/open-api.ts'
import { apiRoutes } from '../src/api/table.ts'
import { packageVersion } from '../src/node/package-version.ts'
import { renderCliPage } from './cli-page.ts'
import { renderManPage } from './man-page.ts'

writeFileSync(join(import.meta.dirname, '../docs/cli.md'), renderCliPage())
writeFileSync(join(import.meta.dirname, '../docs/compute-node.1'), renderManPage())
writeFileSync(
  join(import.meta.dirname, '../docs/openapi.json'),
  `${JSON.stringify(openApiOf(apiRoutes, packageVersion()), null, 2)}\n`,
)
