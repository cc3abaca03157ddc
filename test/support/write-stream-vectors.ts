import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { streamVectors } from './stream-vectors.ts'

// Run by hand when a new version of the protocol is meant: the tests hold the code to the file, not the file to the code.
const path = join(import.meta.dirname, '../vectors/streams.json')
writeFileSync(path, `${JSON.stringify(await streamVectors(), undefined, 2)}\n`)
