/** Writes the reference pages that are made from the program's own tables: `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderCliPage } from './cli-page.ts'
import { renderManPage } from './man-page.ts'

writeFileSync(join(import.meta.dirname, '../docs/cli.md'), renderCliPage())
writeFileSync(join(import.meta.dirname, '../docs/compute-node.1'), renderManPage())
