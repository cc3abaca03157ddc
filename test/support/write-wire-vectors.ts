import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { wireVectors } from './wire-vectors.ts'

// Run by hand when a new version of the protocol is meant: the tests hold the code to the file, not the file to the code.
const path = join(import.meta.dirname, '../vectors/wire.json')
writeFileSync(path, `${JSON.stringify(wireVectors(), undefined, 2)}\n`)
