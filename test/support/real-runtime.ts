// Metadata and calls recorded on real runtimes. They are not part of the project: they lie in a folder beside the
// checkout, or where SUBTENSOR_METADATA says.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compactToU8a, hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util'
import type { Spec } from '../../src/chain/dev/metadata/table.ts'

const folder =
  process.env['SUBTENSOR_METADATA'] ?? join(import.meta.dirname, '../../../shared/data/subtensor')
const files = { 218: join(folder, 'metadata-218.hex'), 424: join(folder, 'metadata-424.scale') }
const traces = ['trace-weights-218.json', 'trace-escrow-218.json'].map((name) => join(folder, name))

/** One call that the real 218 took or refused. */
export interface RecordedStep {
  readonly name: string
  readonly call?: string
  readonly method: string
}

export const hasRealMetadata = (spec: Spec): boolean => existsSync(files[spec])
export const hasRealTraces = (): boolean => traces.every((file) => existsSync(file))

/** A real runtime's metadata in hex with 0x. */
export function realMetadata(spec: Spec): `0x${string}` {
  const raw = readFileSync(files[spec])
  return (raw.toString('latin1', 0, 2) === '0x' ? raw.toString().trim() : u8aToHex(raw)) as never
}

export const recordedSteps = (): RecordedStep[] =>
  traces.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')) as RecordedStep[])

/** Answers for metadata as a node with this one gives them; undefined for every other request. */
export function answersWith(metadata: `0x${string}`) {
  const bytes = hexToU8a(metadata)
  const version = u8aToHex(Uint8Array.of(bytes[4]!, 0, 0, 0))
  const opaque = u8aToHex(u8aConcat(Uint8Array.of(1), compactToU8a(bytes.length), bytes))
  return (method: string, params: readonly unknown[]): unknown => {
    if (method === 'state_getMetadata') return metadata
    if (method !== 'state_call') return undefined
    if (params[0] === 'Metadata_metadata_versions') return `0x04${version.slice(2)}`
    if (params[0] === 'Metadata_metadata_at_version') return params[1] === version ? opaque : '0x00'
    return undefined
  }
}
