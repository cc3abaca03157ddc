/** Writes the reference pages that are made from the program's own tables: `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openApiOf } from '../src/api/open-api.ts'
import { apiRoutes } from '../src/api/table.ts'
import { packageVersion } from '../src/node/package-version.ts'
import { renderCliPage } from './cli-page.ts'
import { dashboardFiles } from './dashboards.ts'
import { renderLogsPage } from './logs-page.ts'
import { renderManPage } from './man-page.ts'
import { renderMetricsPage } from './metrics-page.ts'

const docs = join(import.meta.dirname, '../docs')
writeFileSync(join(docs, 'cli.md'), renderCliPage())
writeFileSync(join(docs, 'compute-node.1'), renderManPage())
writeFileSync(join(docs, 'logs.md'), renderLogsPage())
writeFileSync(join(docs, 'metrics.md'), renderMetricsPage())
writeFileSync(
  join(docs, 'openapi.json'),
  `${JSON.stringify(openApiOf(apiRoutes, packageVersion()), null, 2)}\n`,
)

const grafana = join(docs, '../config/grafana')
for (const [name, text] of dashboardFiles()) writeFileSync(join(grafana, name), text)
